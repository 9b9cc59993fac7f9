import { assert } from "@kakera/kernel";
import { checkRange, digestBlocksMax, type Kernel } from "./kernel.ts";
import { addToSeed, type Seed } from "./seed.ts";

/** The unit in which shards are checked: a read that touches a block reads all of it. */
export const blockSizeBytes = 65536;
export const blockChecksumSizeBytes = 8;

/** How many blocks `lengthBytes` bytes make; the last may be shorter than the others. */
export function blockCount(lengthBytes: number): number {
  return Math.ceil(lengthBytes / blockSizeBytes);
}

/** Bytes [offsetBytes, offsetBytes + lengthBytes) of the shared memory. */
export interface ByteRange {
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}

/** Seeds of blocks in a row: block i has seed + firstBlockIndex + i. */
export interface BlockSeeds {
  readonly seed: Seed;
  readonly firstBlockIndex: number;
}

export function hashBlocks(kernel: Kernel, input: ByteRange, seeds: BlockSeeds, out: Buffer): void {
  checkRoom(input, out);
  for (let firstBlock = 0; firstBlock < blockCount(input.lengthBytes); firstBlock += digestBlocksMax) {
    const sizeBytes = hashBatch(kernel, input, seeds, firstBlock);
    kernel.digests.copy(out, firstBlock * blockChecksumSizeBytes, 0, sizeBytes);
  }
}

export function firstBadBlock(kernel: Kernel, input: ByteRange, seeds: BlockSeeds, expected: Buffer): number | null {
  checkRoom(input, expected);
  for (let firstBlock = 0; firstBlock < blockCount(input.lengthBytes); firstBlock += digestBlocksMax) {
    const sizeBytes = hashBatch(kernel, input, seeds, firstBlock);
    const at = firstBlock * blockChecksumSizeBytes;
    if (kernel.digests.compare(expected, at, at + sizeBytes, 0, sizeBytes) === 0) continue;
    return firstBlock + Math.floor(firstDifference(kernel.digests, expected.subarray(at)) / blockChecksumSizeBytes);
  }
  return null;
}

function checkRoom({ lengthBytes }: ByteRange, checksums: Buffer): void {
  assert(
    checksums.byteLength >= blockCount(lengthBytes) * blockChecksumSizeBytes,
    "every block has room for its checksum",
  );
}

/** Hashes the blocks from `firstBlock` on, as many as the kernel has room for, into its digests; gives their size in bytes. */
function hashBatch(kernel: Kernel, input: ByteRange, seeds: BlockSeeds, firstBlock: number): number {
  const doneBytes = firstBlock * blockSizeBytes;
  const lengthBytes = Math.min(input.lengthBytes - doneBytes, digestBlocksMax * blockSizeBytes);
  const { lo, hi } = addToSeed(seeds.seed, seeds.firstBlockIndex + firstBlock);
  checkRange(kernel, input.offsetBytes + doneBytes, lengthBytes);
  kernel.call.hashBlocks(input.offsetBytes + doneBytes, lengthBytes, lo, hi);
  return blockCount(lengthBytes) * blockChecksumSizeBytes;
}

function firstDifference(left: Buffer, right: Buffer): number {
  let at = 0;
  while (left[at] === right[at]) at++;
  return at;
}
