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
  assert(
    out.byteLength >= blockCount(input.lengthBytes) * blockChecksumSizeBytes,
    "every block has room for its checksum",
  );
  eachBatch(kernel, input, seeds, (digests, firstBlock) => {
    digests.copy(out, firstBlock * blockChecksumSizeBytes);
    return true;
  });
}

export function firstBadBlock(kernel: Kernel, input: ByteRange, seeds: BlockSeeds, expected: Buffer): number | null {
  assert(expected.byteLength >= blockCount(input.lengthBytes) * blockChecksumSizeBytes, "every block has its checksum");
  let bad: number | null = null;
  eachBatch(kernel, input, seeds, (digests, firstBlock) => {
    const at = firstBlock * blockChecksumSizeBytes;
    if (digests.compare(expected, at, at + digests.byteLength) === 0) return true;
    bad = firstBlock + Math.floor(firstDifference(digests, expected.subarray(at)) / blockChecksumSizeBytes);
    return false;
  });
  return bad;
}

/** Hashes as many blocks at a time as the kernel has room for; `take` gets their checksums and says whether to go on. */
function eachBatch(
  kernel: Kernel,
  input: ByteRange,
  { seed, firstBlockIndex }: BlockSeeds,
  take: (digests: Buffer, firstBlock: number) => boolean,
): void {
  const { offsetBytes, lengthBytes } = input;
  checkRange(kernel, offsetBytes, lengthBytes);
  const batchSizeBytes = digestBlocksMax * blockSizeBytes;
  for (let done = 0; done < lengthBytes; done += batchSizeBytes) {
    const length = Math.min(lengthBytes - done, batchSizeBytes);
    const firstBlock = done / blockSizeBytes;
    const { lo, hi } = addToSeed(seed, firstBlockIndex + firstBlock);
    kernel.call.hashBlocks(offsetBytes + done, length, lo, hi);
    if (!take(kernel.digests.subarray(0, blockCount(length) * blockChecksumSizeBytes), firstBlock)) return;
  }
}

function firstDifference(left: Buffer, right: Buffer): number {
  let at = 0;
  while (left[at] === right[at]) at++;
  return at;
}
