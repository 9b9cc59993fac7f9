import type { Geometry } from "@kakera/kernel";
import { firstBadBlock, hashBlocks, type ByteRange } from "./block-checksums.ts";
import { kernelModule } from "./drivers/kernel-module.ts";
import { hashBytes } from "./hash-bytes.ts";
import { startKernel } from "./kernel.ts";
import { ReedSolomon } from "./reed-solomon.ts";
import { toSeed, type Seed } from "./seed.ts";

/**
 * Reed-Solomon and XXH3 over ranges of one shared memory, in place and synchronous. Offsets are bytes from the memory's start and
 * need no alignment; shards that a call reads or writes do not overlap. m = 0 is allowed; k = 1 gives copies.
 */
export interface Codec {
  /** Fills the last m shards from the first k. `shardOffsets`: k+m, each the start of `shardSizeBytes` bytes. */
  encode(geometry: Geometry, shardSizeBytes: number, shardOffsets: readonly number[]): void;
  /**
   * Rebuilds, each at its offset, the missing shards of `wanted` (default: all missing), data and parity alike. `isPresent`: k+m.
   * The first k present shards are read; other offsets are not looked at. Throws ClusterFailure "repair" with fewer than k present.
   */
  reconstruct(
    geometry: Geometry,
    shardSizeBytes: number,
    shardOffsets: readonly number[],
    isPresent: readonly boolean[],
    wanted?: readonly number[],
  ): void;
  /** Whether the last m shards are the parity of the first k. */
  verify(geometry: Geometry, shardSizeBytes: number, shardOffsets: readonly number[]): boolean;
  /**
   * Writes the XXH3-64 of each 64 KiB block of `input` (the last may be shorter) to `out`, 8 bytes each, little-endian: at least
   * 8 * blockCount(lengthBytes) bytes. Block i is seeded with seed + firstBlockIndex + i, modulo 2^64.
   */
  checksumBlocks(input: ByteRange, seed: bigint | Seed, firstBlockIndex: number, out: Buffer): void;
  /** Whether every block of `input` has its checksum in `expected`, laid out as `checksumBlocks` does. */
  verifyBlocks(input: ByteRange, seed: bigint | Seed, firstBlockIndex: number, expected: Buffer): boolean;
  /** Which block of `input` (0 is its first) is the first that does not have its checksum in `expected`; null: all have. */
  firstBadBlock(input: ByteRange, seed: bigint | Seed, firstBlockIndex: number, expected: Buffer): number | null;
  /** XXH3-64 of any bytes, in the memory or not. */
  hash64(bytes: Uint8Array, seed: bigint | Seed): bigint;
}

/** What a codec needs of the shared memory; in a worker thread, the WebAssembly.Memory that it was sent. */
export interface CodecMemory {
  readonly memory: WebAssembly.Memory;
}

export interface CodecSettings {
  /**
   * Where the codec's 64 KiB of tables lie; default: the lowest 64 KiB, which are for the thread that made the memory. A codec in
   * another thread gets a slab of `kernelRegionSizeBytes` that is kept as long as the thread lives.
   */
  readonly regionOffsetBytes?: number;
}

export function createCodec(memory: CodecMemory, settings: CodecSettings = {}): Codec {
  const kernel = startKernel(kernelModule(), memory.memory, settings.regionOffsetBytes ?? 0);
  const reedSolomon = new ReedSolomon(kernel);
  return {
    encode: (geometry, shardSizeBytes, shardOffsets) => reedSolomon.encode({ geometry, shardSizeBytes, shardOffsets }),
    reconstruct: (geometry, shardSizeBytes, shardOffsets, isPresent, wanted) =>
      reedSolomon.reconstruct({ geometry, shardSizeBytes, shardOffsets }, isPresent, wanted),
    verify: (geometry, shardSizeBytes, shardOffsets) => reedSolomon.verify({ geometry, shardSizeBytes, shardOffsets }),
    checksumBlocks: (input, seed, firstBlockIndex, out) =>
      hashBlocks(kernel, input, { seed: toSeed(seed), firstBlockIndex }, out),
    verifyBlocks: (input, seed, firstBlockIndex, expected) =>
      firstBadBlock(kernel, input, { seed: toSeed(seed), firstBlockIndex }, expected) === null,
    firstBadBlock: (input, seed, firstBlockIndex, expected) =>
      firstBadBlock(kernel, input, { seed: toSeed(seed), firstBlockIndex }, expected),
    hash64: (bytes, seed) => hashBytes(kernel, bytes, toSeed(seed)),
  };
}
