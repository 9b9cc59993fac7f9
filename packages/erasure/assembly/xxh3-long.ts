// Inputs of more than 240 bytes: eight 64-bit accumulators, 64-byte stripes, a scramble after every 1024 bytes.
// The seed must have been mixed into the secret (seedSecret) first.
import { inRegion } from "./region";
import { accumulatorsAt, seededSecretAt } from "./region-layout";
import { avalanche, fold128 } from "./xxh3-mix";
import { prime32a, prime32b, prime32c, prime64a, prime64b, prime64c, prime64d, prime64e } from "./xxh3-primes";

export const scrambleEveryBytes: usize = 1024;
const stripeSizeBytes: usize = 64;
const scrambleSecretAt: usize = 128;
const lastStripeSecretAt: usize = 121;
const mergeSecretAt: usize = 11;

export function beginLong(): void {
  const to = inRegion(accumulatorsAt);
  store<u64>(to, prime32c, 0);
  store<u64>(to, prime64a, 8);
  store<u64>(to, prime64b, 16);
  store<u64>(to, prime64c, 24);
  store<u64>(to, prime64d, 32);
  store<u64>(to, prime32b, 40);
  store<u64>(to, prime64e, 48);
  store<u64>(to, prime32a, 56);
}

/** Takes `length` bytes, a multiple of 1024, that are not the end of the input: at least one byte must follow. */
export function absorbLong(at: usize, length: usize): void {
  const secret = inRegion(seededSecretAt);
  const end = at + length;
  for (; at < end; at += scrambleEveryBytes) {
    accumulate(at, 16, secret);
    scramble(secret + scrambleSecretAt);
  }
}

/**
 * Takes the last `length` (1..1024) bytes and gives the hash of the whole input of `total` bytes.
 * The 64 bytes that end the input must lie before at + length, so some of those already absorbed may have to.
 */
export function finishLong(at: usize, length: usize, total: u64): u64 {
  const secret = inRegion(seededSecretAt);
  accumulate(at, (length - 1) / stripeSizeBytes, secret);
  accumulate(at + length - stripeSizeBytes, 1, secret + lastStripeSecretAt);
  const sums = inRegion(accumulatorsAt);
  let hash = total * prime64a;
  for (let pair: usize = 0; pair < 64; pair += 16) {
    const left = load<u64>(sums + pair) ^ load<u64>(secret + mergeSecretAt + pair);
    const right = load<u64>(sums + pair, 8) ^ load<u64>(secret + mergeSecretAt + pair, 8);
    hash += fold128(left, right);
  }
  return avalanche(hash);
}

/**
 * Each stripe adds to every accumulator the product of the halves of (input ^ secret), and the input itself to the
 * accumulator beside it. The inputs are summed apart and swapped once at the end, which takes the swap out of the loop.
 */
function accumulate(at: usize, stripes: usize, secret: usize): void {
  const sums = inRegion(accumulatorsAt);
  let sum0 = v128.load(sums, 0);
  let sum1 = v128.load(sums, 16);
  let sum2 = v128.load(sums, 32);
  let sum3 = v128.load(sums, 48);
  let plain0 = i64x2.splat(0);
  let plain1 = i64x2.splat(0);
  let plain2 = i64x2.splat(0);
  let plain3 = i64x2.splat(0);
  for (const end = at + stripes * stripeSizeBytes; at < end; at += stripeSizeBytes, secret += 8) {
    const input0 = v128.load(at, 0);
    const input1 = v128.load(at, 16);
    const input2 = v128.load(at, 32);
    const input3 = v128.load(at, 48);
    plain0 = i64x2.add(plain0, input0);
    plain1 = i64x2.add(plain1, input1);
    plain2 = i64x2.add(plain2, input2);
    plain3 = i64x2.add(plain3, input3);
    const keyed0 = v128.xor(input0, v128.load(secret, 0));
    const keyed1 = v128.xor(input1, v128.load(secret, 16));
    const keyed2 = v128.xor(input2, v128.load(secret, 32));
    const keyed3 = v128.xor(input3, v128.load(secret, 48));
    // The widening multiplication takes neighbours, so the low and the high halves of two vectors are gathered first.
    const low01 = v128.shuffle<i32>(keyed0, keyed1, 0, 2, 4, 6);
    const high01 = v128.shuffle<i32>(keyed0, keyed1, 1, 3, 5, 7);
    const low23 = v128.shuffle<i32>(keyed2, keyed3, 0, 2, 4, 6);
    const high23 = v128.shuffle<i32>(keyed2, keyed3, 1, 3, 5, 7);
    sum0 = i64x2.add(sum0, i64x2.extmul_low_i32x4_u(low01, high01));
    sum1 = i64x2.add(sum1, i64x2.extmul_high_i32x4_u(low01, high01));
    sum2 = i64x2.add(sum2, i64x2.extmul_low_i32x4_u(low23, high23));
    sum3 = i64x2.add(sum3, i64x2.extmul_high_i32x4_u(low23, high23));
  }
  v128.store(sums, i64x2.add(sum0, swapHalves(plain0)), 0);
  v128.store(sums, i64x2.add(sum1, swapHalves(plain1)), 16);
  v128.store(sums, i64x2.add(sum2, swapHalves(plain2)), 32);
  v128.store(sums, i64x2.add(sum3, swapHalves(plain3)), 48);
}

function swapHalves(vector: v128): v128 {
  return v128.shuffle<i64>(vector, vector, 1, 0);
}

function scramble(secret: usize): void {
  const sums = inRegion(accumulatorsAt);
  const prime = i64x2.splat(prime32a);
  for (let pair: usize = 0; pair < 64; pair += 16) {
    let sum = v128.load(sums + pair);
    sum = v128.xor(sum, i64x2.shr_u(sum, 47));
    sum = v128.xor(sum, v128.load(secret + pair));
    v128.store(sums + pair, i64x2.mul(sum, prime));
  }
}
