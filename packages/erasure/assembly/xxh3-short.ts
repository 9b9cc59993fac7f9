// Inputs of up to 240 bytes: one formula for each class of lengths.
import { inRegion } from "./region";
import { secretAt } from "./region-layout";
import { avalanche, avalanche64, avalancheShort, fold128 } from "./xxh3-mix";
import { prime64a } from "./xxh3-primes";

export function hashUpTo16(at: usize, length: usize, seed: u64): u64 {
  const secret = inRegion(secretAt);
  if (length > 8) return hash9To16(at, length, seed);
  if (length >= 4) return hash4To8(at, length, seed);
  if (length > 0) return hash1To3(at, length, seed);
  return avalanche64(seed ^ load<u64>(secret, 56) ^ load<u64>(secret, 64));
}

function hash1To3(at: usize, length: usize, seed: u64): u64 {
  const secret = inRegion(secretAt);
  const first = load<u8>(at) as u32;
  const middle = load<u8>(at + (length >> 1)) as u32;
  const last = load<u8>(at + length - 1) as u32;
  const combined = (first << 16) | (middle << 24) | last | ((length as u32) << 8);
  const flip = ((load<u32>(secret) ^ load<u32>(secret, 4)) as u64) + seed;
  return avalanche64((combined as u64) ^ flip);
}

function hash4To8(at: usize, length: usize, seed: u64): u64 {
  const secret = inRegion(secretAt);
  const mixedSeed = seed ^ ((bswap<u32>(seed as u32) as u64) << 32);
  const flip = (load<u64>(secret, 8) ^ load<u64>(secret, 16)) - mixedSeed;
  const input = (load<u32>(at + length - 4) as u64) + ((load<u32>(at) as u64) << 32);
  return avalancheShort(input ^ flip, length);
}

function hash9To16(at: usize, length: usize, seed: u64): u64 {
  const secret = inRegion(secretAt);
  const low = load<u64>(at) ^ ((load<u64>(secret, 24) ^ load<u64>(secret, 32)) + seed);
  const high = load<u64>(at + length - 8) ^ ((load<u64>(secret, 40) ^ load<u64>(secret, 48)) - seed);
  return avalanche((length as u64) + bswap<u64>(low) + high + fold128(low, high));
}

export function hash17To128(at: usize, length: usize, seed: u64): u64 {
  const secret = inRegion(secretAt);
  const end = at + length;
  let sum = (length as u64) * prime64a;
  // Pairs from both ends inward; for lengths between they overlap in the middle.
  for (let pair: usize = 0; pair <= (length - 1) >> 5; pair++) {
    sum += mix16(at + pair * 16, secret + pair * 32, seed);
    sum += mix16(end - (pair + 1) * 16, secret + pair * 32 + 16, seed);
  }
  return avalanche(sum);
}

export function hash129To240(at: usize, length: usize, seed: u64): u64 {
  const secret = inRegion(secretAt);
  const rounds = length >> 4;
  let sum = (length as u64) * prime64a;
  for (let round: usize = 0; round < 8; round++) {
    sum += mix16(at + round * 16, secret + round * 16, seed);
  }
  sum = avalanche(sum);
  for (let round: usize = 8; round < rounds; round++) {
    sum += mix16(at + round * 16, secret + (round - 8) * 16 + 3, seed);
  }
  return avalanche(sum + mix16(at + length - 16, secret + 119, seed));
}

function mix16(at: usize, secret: usize, seed: u64): u64 {
  return fold128(load<u64>(at) ^ (load<u64>(secret) + seed), load<u64>(at, 8) ^ (load<u64>(secret, 8) - seed));
}
