// MD5 (RFC 1321) of one stream, for when there is no other to go beside it.
import { inRegion } from "./region";
import { md5AddressesAt, md5ConstantsAt, md5StatesAt } from "./region-layout";

const laneStrideBytes: usize = 32;

/** Takes `blocks` 64-byte blocks of lane 0. */
export function md5One(blocks: u32): void {
  const states = inRegion(md5StatesAt);
  const addresses = inRegion(md5AddressesAt);
  let block = load<u32>(addresses) as usize;
  let a = load<u32>(states);
  let b = load<u32>(states + laneStrideBytes);
  let c = load<u32>(states + laneStrideBytes * 2);
  let d = load<u32>(states + laneStrideBytes * 3);
  for (; blocks > 0; blocks--, block += 64) {
    const aBefore = a;
    const bBefore = b;
    const cBefore = c;
    const dBefore = d;
    let constants = inRegion(md5ConstantsAt);
    for (let step: usize = 0; step < 16; step += 4, constants += 16) {
      a = b + rotl<u32>(a + wordAt(block, step) + load<u32>(constants, 0) + (d ^ (b & (c ^ d))), 7);
      d = a + rotl<u32>(d + wordAt(block, step + 1) + load<u32>(constants, 4) + (c ^ (a & (b ^ c))), 12);
      c = d + rotl<u32>(c + wordAt(block, step + 2) + load<u32>(constants, 8) + (b ^ (d & (a ^ b))), 17);
      b = c + rotl<u32>(b + wordAt(block, step + 3) + load<u32>(constants, 12) + (a ^ (c & (d ^ a))), 22);
    }
    for (let step: usize = 0; step < 16; step += 4, constants += 16) {
      a = b + rotl<u32>(a + wordAt(block, step + 1) + load<u32>(constants, 0) + (c & ~d) + (b & d), 5);
      d = a + rotl<u32>(d + wordAt(block, step + 6) + load<u32>(constants, 4) + (b & ~c) + (a & c), 9);
      c = d + rotl<u32>(c + wordAt(block, step + 11) + load<u32>(constants, 8) + (a & ~b) + (d & b), 14);
      b = c + rotl<u32>(b + wordAt(block, step) + load<u32>(constants, 12) + (d & ~a) + (c & a), 20);
    }
    for (let step: usize = 0; step < 16; step += 4, constants += 16) {
      a = b + rotl<u32>(a + wordAt(block, 3 * step + 5) + load<u32>(constants, 0) + (b ^ (c ^ d)), 4);
      d = a + rotl<u32>(d + wordAt(block, 3 * step + 8) + load<u32>(constants, 4) + (a ^ (b ^ c)), 11);
      c = d + rotl<u32>(c + wordAt(block, 3 * step + 11) + load<u32>(constants, 8) + (d ^ (a ^ b)), 16);
      b = c + rotl<u32>(b + wordAt(block, 3 * step + 14) + load<u32>(constants, 12) + (c ^ (d ^ a)), 23);
    }
    for (let step: usize = 0; step < 16; step += 4, constants += 16) {
      a = b + rotl<u32>(a + wordAt(block, 3 * step) + load<u32>(constants, 0) + (c ^ (b | ~d)), 6);
      d = a + rotl<u32>(d + wordAt(block, 3 * step + 7) + load<u32>(constants, 4) + (b ^ (a | ~c)), 10);
      c = d + rotl<u32>(c + wordAt(block, 3 * step + 14) + load<u32>(constants, 8) + (a ^ (d | ~b)), 15);
      b = c + rotl<u32>(b + wordAt(block, 3 * step + 5) + load<u32>(constants, 12) + (d ^ (c | ~a)), 21);
    }
    a += aBefore;
    b += bBefore;
    c += cBefore;
    d += dBefore;
  }
  store<u32>(addresses, block as u32);
  store<u32>(states, a);
  store<u32>(states + laneStrideBytes, b);
  store<u32>(states + laneStrideBytes * 2, c);
  store<u32>(states + laneStrideBytes * 3, d);
}

function wordAt(block: usize, index: usize): u32 {
  return load<u32>(block + (index & 15) * 4);
}
