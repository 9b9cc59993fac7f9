import { prime64b, prime64c, primeMix1, primeMix2 } from "./xxh3-primes";

/** Both halves of the 128-bit product, xored. WebAssembly multiplies 64 bits at most, so it is built from four products. */
export function fold128(left: u64, right: u64): u64 {
  const lowLow = (left & 0xffffffff) * (right & 0xffffffff);
  const highLow = (left >> 32) * (right & 0xffffffff);
  const lowHigh = (left & 0xffffffff) * (right >> 32);
  const highHigh = (left >> 32) * (right >> 32);
  const cross = (lowLow >> 32) + (highLow & 0xffffffff) + lowHigh;
  const upper = (highLow >> 32) + (cross >> 32) + highHigh;
  const lower = (cross << 32) | (lowLow & 0xffffffff);
  return upper ^ lower;
}

export function avalanche(hash: u64): u64 {
  hash ^= hash >> 37;
  hash *= primeMix1;
  return hash ^ (hash >> 32);
}

/** The finish of XXH64, which inputs up to three bytes use. */
export function avalanche64(hash: u64): u64 {
  hash ^= hash >> 33;
  hash *= prime64b;
  hash ^= hash >> 29;
  hash *= prime64c;
  return hash ^ (hash >> 32);
}

/** The finish of inputs of four to eight bytes. */
export function avalancheShort(hash: u64, length: u64): u64 {
  hash ^= rotl(hash, 49) ^ rotl(hash, 24);
  hash *= primeMix2;
  hash ^= (hash >> 35) + length;
  hash *= primeMix2;
  return hash ^ (hash >> 28);
}
