import type { DataId } from "@kakera/kernel";
import {
  blockChecksumSizeBytes,
  blockCount,
  blockSizeBytes,
  shardDigest,
  shardSeed,
  type Codec,
  type Seed,
} from "@kakera/erasure";
import type { StripeBuffer } from "./stripe-buffer.ts";

/** The block checksums of one chunk's shards, as they grow with each buffer of stripes. */
export class ChunkChecksums {
  readonly #seeds: readonly Seed[];
  /** By shard: 8 bytes for each block so far. */
  readonly #pieces: Buffer[][];
  #blocksSoFar = 0;

  constructor(chunk: { readonly dataId: DataId; readonly chunkIndex: number }, shardCount: number) {
    this.#seeds = Array.from({ length: shardCount }, (_, shard) => shardSeed(chunk.dataId, chunk.chunkIndex, shard));
    this.#pieces = Array.from({ length: shardCount }, () => []);
  }

  /**
   * Fills the parity of the buffer's stripes and takes the checksums of all its shards. Returns those of this buffer, by shard.
   * Every buffer but the last holds whole 64 KiB blocks.
   */
  encode(codec: Codec, buffer: StripeBuffer): readonly Buffer[] {
    const { geometry, shardBytes } = buffer;
    const offsets = buffer.shardOffsets;
    // With k = 1 the shards are the body itself and lie in the same place.
    if (geometry.k > 1) codec.encode(geometry, shardBytes, offsets);
    const sizeBytes = blockCount(shardBytes) * blockChecksumSizeBytes;
    const all = Buffer.allocUnsafe(sizeBytes * offsets.length);
    const checksums = offsets.map((offsetBytes, shard) => {
      const out = all.subarray(shard * sizeBytes, (shard + 1) * sizeBytes);
      codec.checksumBlocks(
        { offsetBytes, lengthBytes: shardBytes },
        this.#seeds[shard] as Seed,
        this.#blocksSoFar,
        out,
      );
      this.#pieces[shard]?.push(out);
      return out;
    });
    this.#blocksSoFar += Math.floor(shardBytes / blockSizeBytes);
    return checksums;
  }

  /** 8 bytes for each shard: what its footer and those of its siblings say of it. */
  digests(): Buffer {
    return Buffer.concat(
      this.#pieces.map((pieces) => shardDigest(pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces))),
    );
  }
}
