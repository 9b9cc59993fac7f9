// MD5 (RFC 1321) of independent streams side by side. One stream is a chain in which each step waits for the last; a vector does four
// of them in that time, and two vectors in turn fill the waiting.
import { Md5Step } from "./md5-steps";
import { inRegion } from "./region";
import { md5AddressesAt, md5ConstantsAt, md5StatesAt, md5WordsAt } from "./region-layout";

/** Takes `blocks` 64-byte blocks of each of lanes 0 to 3. */
export function md5Four(blocks: u32): void {
  const words = inRegion(md5WordsAt);
  const states = inRegion(md5StatesAt);
  let a = v128.load(states, 0);
  let b = v128.load(states, 32);
  let c = v128.load(states, 64);
  let d = v128.load(states, 96);
  for (; blocks > 0; blocks--) {
    gatherWords(0);
    const aBefore = a;
    const bBefore = b;
    const cBefore = c;
    const dBefore = d;
    let constants = inRegion(md5ConstantsAt);
    let word: usize = 0;
    let constant = i64x2.splat(0);
    for (let step: usize = 0; step < 16; step += 4, constants += 16) {
      word = words + step * 32;
      constant = v128.load32_splat(constants, 0);
      a = Md5Step.round1(a, b, c, d, i32x4.add(v128.load(word, 0), constant), 7);
      word = words + ((step + 1) & 15) * 32;
      constant = v128.load32_splat(constants, 4);
      d = Md5Step.round1(d, a, b, c, i32x4.add(v128.load(word, 0), constant), 12);
      word = words + ((step + 2) & 15) * 32;
      constant = v128.load32_splat(constants, 8);
      c = Md5Step.round1(c, d, a, b, i32x4.add(v128.load(word, 0), constant), 17);
      word = words + ((step + 3) & 15) * 32;
      constant = v128.load32_splat(constants, 12);
      b = Md5Step.round1(b, c, d, a, i32x4.add(v128.load(word, 0), constant), 22);
    }
    for (let step: usize = 0; step < 16; step += 4, constants += 16) {
      word = words + ((step + 1) & 15) * 32;
      constant = v128.load32_splat(constants, 0);
      a = Md5Step.round2(a, b, c, d, i32x4.add(v128.load(word, 0), constant), 5);
      word = words + ((step + 6) & 15) * 32;
      constant = v128.load32_splat(constants, 4);
      d = Md5Step.round2(d, a, b, c, i32x4.add(v128.load(word, 0), constant), 9);
      word = words + ((step + 11) & 15) * 32;
      constant = v128.load32_splat(constants, 8);
      c = Md5Step.round2(c, d, a, b, i32x4.add(v128.load(word, 0), constant), 14);
      word = words + step * 32;
      constant = v128.load32_splat(constants, 12);
      b = Md5Step.round2(b, c, d, a, i32x4.add(v128.load(word, 0), constant), 20);
    }
    for (let step: usize = 0; step < 16; step += 4, constants += 16) {
      word = words + ((3 * step + 5) & 15) * 32;
      constant = v128.load32_splat(constants, 0);
      a = Md5Step.round3(a, b, c, d, i32x4.add(v128.load(word, 0), constant), 4);
      word = words + ((3 * step + 8) & 15) * 32;
      constant = v128.load32_splat(constants, 4);
      d = Md5Step.round3(d, a, b, c, i32x4.add(v128.load(word, 0), constant), 11);
      word = words + ((3 * step + 11) & 15) * 32;
      constant = v128.load32_splat(constants, 8);
      c = Md5Step.round3(c, d, a, b, i32x4.add(v128.load(word, 0), constant), 16);
      word = words + ((3 * step + 14) & 15) * 32;
      constant = v128.load32_splat(constants, 12);
      b = Md5Step.round3(b, c, d, a, i32x4.add(v128.load(word, 0), constant), 23);
    }
    for (let step: usize = 0; step < 16; step += 4, constants += 16) {
      word = words + ((3 * step) & 15) * 32;
      constant = v128.load32_splat(constants, 0);
      a = Md5Step.round4(a, b, c, d, i32x4.add(v128.load(word, 0), constant), 6);
      word = words + ((3 * step + 7) & 15) * 32;
      constant = v128.load32_splat(constants, 4);
      d = Md5Step.round4(d, a, b, c, i32x4.add(v128.load(word, 0), constant), 10);
      word = words + ((3 * step + 14) & 15) * 32;
      constant = v128.load32_splat(constants, 8);
      c = Md5Step.round4(c, d, a, b, i32x4.add(v128.load(word, 0), constant), 15);
      word = words + ((3 * step + 5) & 15) * 32;
      constant = v128.load32_splat(constants, 12);
      b = Md5Step.round4(b, c, d, a, i32x4.add(v128.load(word, 0), constant), 21);
    }
    a = i32x4.add(a, aBefore);
    b = i32x4.add(b, bBefore);
    c = i32x4.add(c, cBefore);
    d = i32x4.add(d, dBefore);
  }
  v128.store(states, a, 0);
  v128.store(states, b, 32);
  v128.store(states, c, 64);
  v128.store(states, d, 96);
}

/**
 * As `md5Four` for lanes 0 to 7. Long, and not to be cut up: the eight vectors stay in registers, and a function here returns but one.
 */
export function md5Eight(blocks: u32): void {
  const words = inRegion(md5WordsAt);
  const states = inRegion(md5StatesAt);
  let a = v128.load(states, 0);
  let b = v128.load(states, 32);
  let c = v128.load(states, 64);
  let d = v128.load(states, 96);
  let e = v128.load(states, 16);
  let f = v128.load(states, 48);
  let g = v128.load(states, 80);
  let h = v128.load(states, 112);
  for (; blocks > 0; blocks--) {
    gatherWords(0);
    gatherWords(4);
    const aBefore = a;
    const bBefore = b;
    const cBefore = c;
    const dBefore = d;
    const eBefore = e;
    const fBefore = f;
    const gBefore = g;
    const hBefore = h;
    let constants = inRegion(md5ConstantsAt);
    let word: usize = 0;
    let constant = i64x2.splat(0);
    for (let step: usize = 0; step < 16; step += 4, constants += 16) {
      word = words + step * 32;
      constant = v128.load32_splat(constants, 0);
      a = Md5Step.round1(a, b, c, d, i32x4.add(v128.load(word, 0), constant), 7);
      e = Md5Step.round1(e, f, g, h, i32x4.add(v128.load(word, 16), constant), 7);
      word = words + ((step + 1) & 15) * 32;
      constant = v128.load32_splat(constants, 4);
      d = Md5Step.round1(d, a, b, c, i32x4.add(v128.load(word, 0), constant), 12);
      h = Md5Step.round1(h, e, f, g, i32x4.add(v128.load(word, 16), constant), 12);
      word = words + ((step + 2) & 15) * 32;
      constant = v128.load32_splat(constants, 8);
      c = Md5Step.round1(c, d, a, b, i32x4.add(v128.load(word, 0), constant), 17);
      g = Md5Step.round1(g, h, e, f, i32x4.add(v128.load(word, 16), constant), 17);
      word = words + ((step + 3) & 15) * 32;
      constant = v128.load32_splat(constants, 12);
      b = Md5Step.round1(b, c, d, a, i32x4.add(v128.load(word, 0), constant), 22);
      f = Md5Step.round1(f, g, h, e, i32x4.add(v128.load(word, 16), constant), 22);
    }
    for (let step: usize = 0; step < 16; step += 4, constants += 16) {
      word = words + ((step + 1) & 15) * 32;
      constant = v128.load32_splat(constants, 0);
      a = Md5Step.round2(a, b, c, d, i32x4.add(v128.load(word, 0), constant), 5);
      e = Md5Step.round2(e, f, g, h, i32x4.add(v128.load(word, 16), constant), 5);
      word = words + ((step + 6) & 15) * 32;
      constant = v128.load32_splat(constants, 4);
      d = Md5Step.round2(d, a, b, c, i32x4.add(v128.load(word, 0), constant), 9);
      h = Md5Step.round2(h, e, f, g, i32x4.add(v128.load(word, 16), constant), 9);
      word = words + ((step + 11) & 15) * 32;
      constant = v128.load32_splat(constants, 8);
      c = Md5Step.round2(c, d, a, b, i32x4.add(v128.load(word, 0), constant), 14);
      g = Md5Step.round2(g, h, e, f, i32x4.add(v128.load(word, 16), constant), 14);
      word = words + step * 32;
      constant = v128.load32_splat(constants, 12);
      b = Md5Step.round2(b, c, d, a, i32x4.add(v128.load(word, 0), constant), 20);
      f = Md5Step.round2(f, g, h, e, i32x4.add(v128.load(word, 16), constant), 20);
    }
    for (let step: usize = 0; step < 16; step += 4, constants += 16) {
      word = words + ((3 * step + 5) & 15) * 32;
      constant = v128.load32_splat(constants, 0);
      a = Md5Step.round3(a, b, c, d, i32x4.add(v128.load(word, 0), constant), 4);
      e = Md5Step.round3(e, f, g, h, i32x4.add(v128.load(word, 16), constant), 4);
      word = words + ((3 * step + 8) & 15) * 32;
      constant = v128.load32_splat(constants, 4);
      d = Md5Step.round3(d, a, b, c, i32x4.add(v128.load(word, 0), constant), 11);
      h = Md5Step.round3(h, e, f, g, i32x4.add(v128.load(word, 16), constant), 11);
      word = words + ((3 * step + 11) & 15) * 32;
      constant = v128.load32_splat(constants, 8);
      c = Md5Step.round3(c, d, a, b, i32x4.add(v128.load(word, 0), constant), 16);
      g = Md5Step.round3(g, h, e, f, i32x4.add(v128.load(word, 16), constant), 16);
      word = words + ((3 * step + 14) & 15) * 32;
      constant = v128.load32_splat(constants, 12);
      b = Md5Step.round3(b, c, d, a, i32x4.add(v128.load(word, 0), constant), 23);
      f = Md5Step.round3(f, g, h, e, i32x4.add(v128.load(word, 16), constant), 23);
    }
    for (let step: usize = 0; step < 16; step += 4, constants += 16) {
      word = words + ((3 * step) & 15) * 32;
      constant = v128.load32_splat(constants, 0);
      a = Md5Step.round4(a, b, c, d, i32x4.add(v128.load(word, 0), constant), 6);
      e = Md5Step.round4(e, f, g, h, i32x4.add(v128.load(word, 16), constant), 6);
      word = words + ((3 * step + 7) & 15) * 32;
      constant = v128.load32_splat(constants, 4);
      d = Md5Step.round4(d, a, b, c, i32x4.add(v128.load(word, 0), constant), 10);
      h = Md5Step.round4(h, e, f, g, i32x4.add(v128.load(word, 16), constant), 10);
      word = words + ((3 * step + 14) & 15) * 32;
      constant = v128.load32_splat(constants, 8);
      c = Md5Step.round4(c, d, a, b, i32x4.add(v128.load(word, 0), constant), 15);
      g = Md5Step.round4(g, h, e, f, i32x4.add(v128.load(word, 16), constant), 15);
      word = words + ((3 * step + 5) & 15) * 32;
      constant = v128.load32_splat(constants, 12);
      b = Md5Step.round4(b, c, d, a, i32x4.add(v128.load(word, 0), constant), 21);
      f = Md5Step.round4(f, g, h, e, i32x4.add(v128.load(word, 16), constant), 21);
    }
    a = i32x4.add(a, aBefore);
    b = i32x4.add(b, bBefore);
    c = i32x4.add(c, cBefore);
    d = i32x4.add(d, dBefore);
    e = i32x4.add(e, eBefore);
    f = i32x4.add(f, fBefore);
    g = i32x4.add(g, gBefore);
    h = i32x4.add(h, hBefore);
  }
  v128.store(states, a, 0);
  v128.store(states, b, 32);
  v128.store(states, c, 64);
  v128.store(states, d, 96);
  v128.store(states, e, 16);
  v128.store(states, f, 48);
  v128.store(states, g, 80);
  v128.store(states, h, 112);
}

/** Takes the next block of lanes [lane, lane + 4) apart into words: word i of four lanes becomes one vector. */
function gatherWords(lane: usize): void {
  const addresses = inRegion(md5AddressesAt) + lane * 4;
  const block0 = load<u32>(addresses, 0) as usize;
  const block1 = load<u32>(addresses, 4) as usize;
  const block2 = load<u32>(addresses, 8) as usize;
  const block3 = load<u32>(addresses, 12) as usize;
  v128.store(addresses, i32x4.add(v128.load(addresses), i32x4.splat(64)));
  let to = inRegion(md5WordsAt) + lane * 4;
  for (let at: usize = 0; at < 64; at += 16, to += 128) {
    const words0 = v128.load(block0 + at);
    const words1 = v128.load(block1 + at);
    const words2 = v128.load(block2 + at);
    const words3 = v128.load(block3 + at);
    const low01 = v128.shuffle<i32>(words0, words1, 0, 4, 1, 5);
    const high01 = v128.shuffle<i32>(words0, words1, 2, 6, 3, 7);
    const low23 = v128.shuffle<i32>(words2, words3, 0, 4, 1, 5);
    const high23 = v128.shuffle<i32>(words2, words3, 2, 6, 3, 7);
    v128.store(to, v128.shuffle<i64>(low01, low23, 0, 2), 0);
    v128.store(to, v128.shuffle<i64>(low01, low23, 1, 3), 32);
    v128.store(to, v128.shuffle<i64>(high01, high23, 0, 2), 64);
    v128.store(to, v128.shuffle<i64>(high01, high23, 1, 3), 96);
  }
}
