// The inner loops. Each loads a piece of every input once, looks both nibbles of 16 bytes up by one swizzle each (indices are below
// 16, where the relaxed form is exact) and keeps the sums in registers. Two rows at once are as many as fit: with four the sums
// spill, which costs what is saved by loading the input half as often.
//
// The mask is loaded, not written as a constant: V8 would build a constant anew at each use, inside the loop.
import { inRegion } from "./region";
import { inputsAt, nibbleMaskAt } from "./region-layout";

/** Fills bytes [from, end) of one output. `tables`: the row's 32 bytes for each input. `outputs`: where its address is. */
export function fillRow(k: u32, tables: usize, outputs: usize, from: usize, end: usize): void {
  const mask = v128.load(inRegion(nibbleMaskAt));
  const output = load<u32>(outputs) as usize;
  let at = from;
  for (; at + 64 <= end; at += 64) {
    let sum0 = i64x2.splat(0);
    let sum1 = i64x2.splat(0);
    let sum2 = i64x2.splat(0);
    let sum3 = i64x2.splat(0);
    for (let j: u32 = 0, table = tables; j < k; j++, table += 32) {
      const input = inputAddress(j) + at;
      const low = v128.load(table, 0);
      const high = v128.load(table, 16);
      const bytes0 = v128.load(input, 0);
      sum0 = v128.xor(sum0, i8x16.relaxed_swizzle(low, v128.and(bytes0, mask)));
      sum0 = v128.xor(sum0, i8x16.relaxed_swizzle(high, upperNibbles(bytes0, mask)));
      const bytes1 = v128.load(input, 16);
      sum1 = v128.xor(sum1, i8x16.relaxed_swizzle(low, v128.and(bytes1, mask)));
      sum1 = v128.xor(sum1, i8x16.relaxed_swizzle(high, upperNibbles(bytes1, mask)));
      const bytes2 = v128.load(input, 32);
      sum2 = v128.xor(sum2, i8x16.relaxed_swizzle(low, v128.and(bytes2, mask)));
      sum2 = v128.xor(sum2, i8x16.relaxed_swizzle(high, upperNibbles(bytes2, mask)));
      const bytes3 = v128.load(input, 48);
      sum3 = v128.xor(sum3, i8x16.relaxed_swizzle(low, v128.and(bytes3, mask)));
      sum3 = v128.xor(sum3, i8x16.relaxed_swizzle(high, upperNibbles(bytes3, mask)));
    }
    v128.store(output + at, sum0, 0);
    v128.store(output + at, sum1, 16);
    v128.store(output + at, sum2, 32);
    v128.store(output + at, sum3, 48);
  }
  for (; at < end; at++) store<u8>(output + at, sumOfByte(k, tables, 32, at));
}

/** As `fillRow` for two outputs. `tables`: 64 bytes for each input, row by row. `outputs`: where both addresses are. */
export function fillTwoRows(k: u32, tables: usize, outputs: usize, from: usize, end: usize): void {
  const mask = v128.load(inRegion(nibbleMaskAt));
  const outputA = load<u32>(outputs) as usize;
  const outputB = load<u32>(outputs, 4) as usize;
  let at = from;
  for (; at + 64 <= end; at += 64) {
    let a0 = i64x2.splat(0);
    let a1 = i64x2.splat(0);
    let a2 = i64x2.splat(0);
    let a3 = i64x2.splat(0);
    let b0 = i64x2.splat(0);
    let b1 = i64x2.splat(0);
    let b2 = i64x2.splat(0);
    let b3 = i64x2.splat(0);
    for (let j: u32 = 0, table = tables; j < k; j++, table += 64) {
      const input = inputAddress(j) + at;
      const lowA = v128.load(table, 0);
      const highA = v128.load(table, 16);
      const lowB = v128.load(table, 32);
      const highB = v128.load(table, 48);
      let bytes = v128.load(input, 0);
      let low = v128.and(bytes, mask);
      let high = upperNibbles(bytes, mask);
      a0 = v128.xor(v128.xor(a0, i8x16.relaxed_swizzle(lowA, low)), i8x16.relaxed_swizzle(highA, high));
      b0 = v128.xor(v128.xor(b0, i8x16.relaxed_swizzle(lowB, low)), i8x16.relaxed_swizzle(highB, high));
      bytes = v128.load(input, 16);
      low = v128.and(bytes, mask);
      high = upperNibbles(bytes, mask);
      a1 = v128.xor(v128.xor(a1, i8x16.relaxed_swizzle(lowA, low)), i8x16.relaxed_swizzle(highA, high));
      b1 = v128.xor(v128.xor(b1, i8x16.relaxed_swizzle(lowB, low)), i8x16.relaxed_swizzle(highB, high));
      bytes = v128.load(input, 32);
      low = v128.and(bytes, mask);
      high = upperNibbles(bytes, mask);
      a2 = v128.xor(v128.xor(a2, i8x16.relaxed_swizzle(lowA, low)), i8x16.relaxed_swizzle(highA, high));
      b2 = v128.xor(v128.xor(b2, i8x16.relaxed_swizzle(lowB, low)), i8x16.relaxed_swizzle(highB, high));
      bytes = v128.load(input, 48);
      low = v128.and(bytes, mask);
      high = upperNibbles(bytes, mask);
      a3 = v128.xor(v128.xor(a3, i8x16.relaxed_swizzle(lowA, low)), i8x16.relaxed_swizzle(highA, high));
      b3 = v128.xor(v128.xor(b3, i8x16.relaxed_swizzle(lowB, low)), i8x16.relaxed_swizzle(highB, high));
    }
    v128.store(outputA + at, a0, 0);
    v128.store(outputA + at, a1, 16);
    v128.store(outputA + at, a2, 32);
    v128.store(outputA + at, a3, 48);
    v128.store(outputB + at, b0, 0);
    v128.store(outputB + at, b1, 16);
    v128.store(outputB + at, b2, 32);
    v128.store(outputB + at, b3, 48);
  }
  for (; at < end; at++) {
    store<u8>(outputA + at, sumOfByte(k, tables, 64, at));
    store<u8>(outputB + at, sumOfByte(k, tables + 32, 64, at));
  }
}

/** 1 when bytes [from, end) of the row's output are what `fillRow` would write. */
export function agreesRow(k: u32, tables: usize, outputs: usize, from: usize, end: usize): u32 {
  const mask = v128.load(inRegion(nibbleMaskAt));
  const output = load<u32>(outputs) as usize;
  let at = from;
  for (; at + 32 <= end; at += 32) {
    let sum0 = v128.load(output + at, 0);
    let sum1 = v128.load(output + at, 16);
    for (let j: u32 = 0, table = tables; j < k; j++, table += 32) {
      const input = inputAddress(j) + at;
      const low = v128.load(table, 0);
      const high = v128.load(table, 16);
      const bytes0 = v128.load(input, 0);
      sum0 = v128.xor(sum0, i8x16.relaxed_swizzle(low, v128.and(bytes0, mask)));
      sum0 = v128.xor(sum0, i8x16.relaxed_swizzle(high, upperNibbles(bytes0, mask)));
      const bytes1 = v128.load(input, 16);
      sum1 = v128.xor(sum1, i8x16.relaxed_swizzle(low, v128.and(bytes1, mask)));
      sum1 = v128.xor(sum1, i8x16.relaxed_swizzle(high, upperNibbles(bytes1, mask)));
    }
    if (v128.any_true(v128.or(sum0, sum1))) return 0;
  }
  for (; at < end; at++) {
    if (load<u8>(output + at) != sumOfByte(k, tables, 32, at)) return 0;
  }
  return 1;
}

function inputAddress(index: u32): usize {
  return load<u32>(inRegion(inputsAt) + index * 4) as usize;
}

function upperNibbles(bytes: v128, mask: v128): v128 {
  return v128.and(i16x8.shr_u(bytes, 4), mask);
}

/** The same sum for the last bytes, too few for the vectors. */
function sumOfByte(k: u32, tables: usize, strideBytes: usize, at: usize): u8 {
  let sum: u32 = 0;
  for (let j: u32 = 0, table = tables; j < k; j++, table += strideBytes) {
    const byte = load<u8>(inputAddress(j) + at) as usize;
    sum ^= load<u8>(table + (byte & 15)) ^ load<u8>(table + 16 + (byte >> 4));
  }
  return sum as u8;
}
