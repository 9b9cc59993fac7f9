import { inRegion } from "./region";
import { digestsAt } from "./region-layout";
import { absorbLong, beginLong, finishLong, scrambleEveryBytes } from "./xxh3-long";
import { seedSecret } from "./xxh3-secret";
import { hash129To240, hash17To128, hashUpTo16 } from "./xxh3-short";

const blockSizeBytes: usize = 65536;

/** XXH3-64 of `length` bytes. */
export function hash(at: usize, length: usize, seed: u64): u64 {
  if (length > 240) return hashLong(at, length, seed);
  if (length > 128) return hash129To240(at, length, seed);
  if (length > 16) return hash17To128(at, length, seed);
  return hashUpTo16(at, length, seed);
}

function hashLong(at: usize, length: usize, seed: u64): u64 {
  seedSecret(seed);
  beginLong();
  // The last byte always stays for the finish, also when the length is a multiple of 1024.
  const absorbed = ((length - 1) / scrambleEveryBytes) * scrambleEveryBytes;
  absorbLong(at, absorbed);
  return finishLong(at + absorbed, length - absorbed, length);
}

/** The hash of each 64 KiB block (the last may be shorter) into the region's digests; block i has seed + i. */
export function hashBlocks(at: usize, length: usize, seed: u64): void {
  const digests = inRegion(digestsAt);
  for (let done: usize = 0, block: usize = 0; done < length; done += blockSizeBytes, block++) {
    store<u64>(digests + block * 8, hash(at + done, min(length - done, blockSizeBytes), seed + block));
  }
}
