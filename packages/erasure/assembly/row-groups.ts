// The inner loops: one function for each number of rows done together. Each loads a piece of every input once, looks both
// nibbles of 16 bytes up by one swizzle each (indices are below 16, where the relaxed form is exact), and keeps the sums of
// all its rows in registers. More rows at once would spill.
import { inRegion } from "./region";
import { inputsAt } from "./region-layout";

export function fillRows1(k: u32, tables: usize, outputs: usize, from: usize, end: usize): void {
  const mask = i8x16.splat(0x0f);
  const out0 = load<u32>(outputs, 0) as usize;
  let at = from;
  for (; at + 64 <= end; at += 64) {
    let a0 = i64x2.splat(0);
    let a1 = i64x2.splat(0);
    let a2 = i64x2.splat(0);
    let a3 = i64x2.splat(0);
    let table = tables;
    for (let j: u32 = 0; j < k; j++) {
      const input = (load<u32>(inRegion(inputsAt) + j * 4) as usize) + at;
      const x0 = v128.load(input);
      const low0 = v128.and(x0, mask);
      const high0 = v128.and(i16x8.shr_u(x0, 4), mask);
      const x1 = v128.load(input, 16);
      const low1 = v128.and(x1, mask);
      const high1 = v128.and(i16x8.shr_u(x1, 4), mask);
      const x2 = v128.load(input, 32);
      const low2 = v128.and(x2, mask);
      const high2 = v128.and(i16x8.shr_u(x2, 4), mask);
      const x3 = v128.load(input, 48);
      const low3 = v128.and(x3, mask);
      const high3 = v128.and(i16x8.shr_u(x3, 4), mask);
      let half = v128.load(table);
      a0 = v128.xor(a0, i8x16.relaxed_swizzle(half, low0));
      a1 = v128.xor(a1, i8x16.relaxed_swizzle(half, low1));
      a2 = v128.xor(a2, i8x16.relaxed_swizzle(half, low2));
      a3 = v128.xor(a3, i8x16.relaxed_swizzle(half, low3));
      half = v128.load(table, 16);
      a0 = v128.xor(a0, i8x16.relaxed_swizzle(half, high0));
      a1 = v128.xor(a1, i8x16.relaxed_swizzle(half, high1));
      a2 = v128.xor(a2, i8x16.relaxed_swizzle(half, high2));
      a3 = v128.xor(a3, i8x16.relaxed_swizzle(half, high3));
      table += 32;
    }
    v128.store(out0 + at, a0);
    v128.store(out0 + at, a1, 16);
    v128.store(out0 + at, a2, 32);
    v128.store(out0 + at, a3, 48);
  }
  fillTail(1, k, tables, outputs, at, end);
}

export function fillRows2(k: u32, tables: usize, outputs: usize, from: usize, end: usize): void {
  const mask = i8x16.splat(0x0f);
  const out0 = load<u32>(outputs, 0) as usize;
  const out1 = load<u32>(outputs, 4) as usize;
  let at = from;
  for (; at + 32 <= end; at += 32) {
    let a0 = i64x2.splat(0);
    let a1 = i64x2.splat(0);
    let b0 = i64x2.splat(0);
    let b1 = i64x2.splat(0);
    let table = tables;
    for (let j: u32 = 0; j < k; j++) {
      const input = (load<u32>(inRegion(inputsAt) + j * 4) as usize) + at;
      const x0 = v128.load(input);
      const low0 = v128.and(x0, mask);
      const high0 = v128.and(i16x8.shr_u(x0, 4), mask);
      const x1 = v128.load(input, 16);
      const low1 = v128.and(x1, mask);
      const high1 = v128.and(i16x8.shr_u(x1, 4), mask);
      let half = v128.load(table);
      a0 = v128.xor(a0, i8x16.relaxed_swizzle(half, low0));
      a1 = v128.xor(a1, i8x16.relaxed_swizzle(half, low1));
      half = v128.load(table, 16);
      a0 = v128.xor(a0, i8x16.relaxed_swizzle(half, high0));
      a1 = v128.xor(a1, i8x16.relaxed_swizzle(half, high1));
      half = v128.load(table, 32);
      b0 = v128.xor(b0, i8x16.relaxed_swizzle(half, low0));
      b1 = v128.xor(b1, i8x16.relaxed_swizzle(half, low1));
      half = v128.load(table, 48);
      b0 = v128.xor(b0, i8x16.relaxed_swizzle(half, high0));
      b1 = v128.xor(b1, i8x16.relaxed_swizzle(half, high1));
      table += 64;
    }
    v128.store(out0 + at, a0);
    v128.store(out0 + at, a1, 16);
    v128.store(out1 + at, b0);
    v128.store(out1 + at, b1, 16);
  }
  fillTail(2, k, tables, outputs, at, end);
}

export function fillRows3(k: u32, tables: usize, outputs: usize, from: usize, end: usize): void {
  const mask = i8x16.splat(0x0f);
  const out0 = load<u32>(outputs, 0) as usize;
  const out1 = load<u32>(outputs, 4) as usize;
  const out2 = load<u32>(outputs, 8) as usize;
  let at = from;
  for (; at + 32 <= end; at += 32) {
    let a0 = i64x2.splat(0);
    let a1 = i64x2.splat(0);
    let b0 = i64x2.splat(0);
    let b1 = i64x2.splat(0);
    let c0 = i64x2.splat(0);
    let c1 = i64x2.splat(0);
    let table = tables;
    for (let j: u32 = 0; j < k; j++) {
      const input = (load<u32>(inRegion(inputsAt) + j * 4) as usize) + at;
      const x0 = v128.load(input);
      const low0 = v128.and(x0, mask);
      const high0 = v128.and(i16x8.shr_u(x0, 4), mask);
      const x1 = v128.load(input, 16);
      const low1 = v128.and(x1, mask);
      const high1 = v128.and(i16x8.shr_u(x1, 4), mask);
      let half = v128.load(table);
      a0 = v128.xor(a0, i8x16.relaxed_swizzle(half, low0));
      a1 = v128.xor(a1, i8x16.relaxed_swizzle(half, low1));
      half = v128.load(table, 16);
      a0 = v128.xor(a0, i8x16.relaxed_swizzle(half, high0));
      a1 = v128.xor(a1, i8x16.relaxed_swizzle(half, high1));
      half = v128.load(table, 32);
      b0 = v128.xor(b0, i8x16.relaxed_swizzle(half, low0));
      b1 = v128.xor(b1, i8x16.relaxed_swizzle(half, low1));
      half = v128.load(table, 48);
      b0 = v128.xor(b0, i8x16.relaxed_swizzle(half, high0));
      b1 = v128.xor(b1, i8x16.relaxed_swizzle(half, high1));
      half = v128.load(table, 64);
      c0 = v128.xor(c0, i8x16.relaxed_swizzle(half, low0));
      c1 = v128.xor(c1, i8x16.relaxed_swizzle(half, low1));
      half = v128.load(table, 80);
      c0 = v128.xor(c0, i8x16.relaxed_swizzle(half, high0));
      c1 = v128.xor(c1, i8x16.relaxed_swizzle(half, high1));
      table += 96;
    }
    v128.store(out0 + at, a0);
    v128.store(out0 + at, a1, 16);
    v128.store(out1 + at, b0);
    v128.store(out1 + at, b1, 16);
    v128.store(out2 + at, c0);
    v128.store(out2 + at, c1, 16);
  }
  fillTail(3, k, tables, outputs, at, end);
}

export function fillRows4(k: u32, tables: usize, outputs: usize, from: usize, end: usize): void {
  const mask = i8x16.splat(0x0f);
  const out0 = load<u32>(outputs, 0) as usize;
  const out1 = load<u32>(outputs, 4) as usize;
  const out2 = load<u32>(outputs, 8) as usize;
  const out3 = load<u32>(outputs, 12) as usize;
  let at = from;
  for (; at + 32 <= end; at += 32) {
    let a0 = i64x2.splat(0);
    let a1 = i64x2.splat(0);
    let b0 = i64x2.splat(0);
    let b1 = i64x2.splat(0);
    let c0 = i64x2.splat(0);
    let c1 = i64x2.splat(0);
    let d0 = i64x2.splat(0);
    let d1 = i64x2.splat(0);
    let table = tables;
    for (let j: u32 = 0; j < k; j++) {
      const input = (load<u32>(inRegion(inputsAt) + j * 4) as usize) + at;
      const x0 = v128.load(input);
      const low0 = v128.and(x0, mask);
      const high0 = v128.and(i16x8.shr_u(x0, 4), mask);
      const x1 = v128.load(input, 16);
      const low1 = v128.and(x1, mask);
      const high1 = v128.and(i16x8.shr_u(x1, 4), mask);
      let half = v128.load(table);
      a0 = v128.xor(a0, i8x16.relaxed_swizzle(half, low0));
      a1 = v128.xor(a1, i8x16.relaxed_swizzle(half, low1));
      half = v128.load(table, 16);
      a0 = v128.xor(a0, i8x16.relaxed_swizzle(half, high0));
      a1 = v128.xor(a1, i8x16.relaxed_swizzle(half, high1));
      half = v128.load(table, 32);
      b0 = v128.xor(b0, i8x16.relaxed_swizzle(half, low0));
      b1 = v128.xor(b1, i8x16.relaxed_swizzle(half, low1));
      half = v128.load(table, 48);
      b0 = v128.xor(b0, i8x16.relaxed_swizzle(half, high0));
      b1 = v128.xor(b1, i8x16.relaxed_swizzle(half, high1));
      half = v128.load(table, 64);
      c0 = v128.xor(c0, i8x16.relaxed_swizzle(half, low0));
      c1 = v128.xor(c1, i8x16.relaxed_swizzle(half, low1));
      half = v128.load(table, 80);
      c0 = v128.xor(c0, i8x16.relaxed_swizzle(half, high0));
      c1 = v128.xor(c1, i8x16.relaxed_swizzle(half, high1));
      half = v128.load(table, 96);
      d0 = v128.xor(d0, i8x16.relaxed_swizzle(half, low0));
      d1 = v128.xor(d1, i8x16.relaxed_swizzle(half, low1));
      half = v128.load(table, 112);
      d0 = v128.xor(d0, i8x16.relaxed_swizzle(half, high0));
      d1 = v128.xor(d1, i8x16.relaxed_swizzle(half, high1));
      table += 128;
    }
    v128.store(out0 + at, a0);
    v128.store(out0 + at, a1, 16);
    v128.store(out1 + at, b0);
    v128.store(out1 + at, b1, 16);
    v128.store(out2 + at, c0);
    v128.store(out2 + at, c1, 16);
    v128.store(out3 + at, d0);
    v128.store(out3 + at, d1, 16);
  }
  fillTail(4, k, tables, outputs, at, end);
}

/** 1 when the row's output already holds the sum. */
export function agreeRows1(k: u32, tables: usize, outputs: usize, from: usize, end: usize): u32 {
  const mask = i8x16.splat(0x0f);
  const output = load<u32>(outputs) as usize;
  let at = from;
  for (; at + 16 <= end; at += 16) {
    let sum = v128.load(output + at);
    let table = tables;
    for (let j: u32 = 0; j < k; j++) {
      const x = v128.load((load<u32>(inRegion(inputsAt) + j * 4) as usize) + at);
      sum = v128.xor(sum, i8x16.relaxed_swizzle(v128.load(table), v128.and(x, mask)));
      sum = v128.xor(sum, i8x16.relaxed_swizzle(v128.load(table, 16), v128.and(i16x8.shr_u(x, 4), mask)));
      table += 32;
    }
    if (v128.any_true(sum)) return 0;
  }
  for (; at < end; at++) {
    if (load<u8>(output + at) != sumOfByte(k, tables, 32, at)) return 0;
  }
  return 1;
}

/** The last bytes of all rows of a group, too few for a vector. */
function fillTail(rows: u32, k: u32, tables: usize, outputs: usize, from: usize, end: usize): void {
  for (let row: u32 = 0; row < rows; row++) {
    const output = load<u32>(outputs + row * 4) as usize;
    for (let at = from; at < end; at++) {
      store<u8>(output + at, sumOfByte(k, tables + row * 32, rows * 32, at));
    }
  }
}

function sumOfByte(k: u32, tables: usize, strideBytes: usize, at: usize): u8 {
  let sum: u32 = 0;
  let table = tables;
  for (let j: u32 = 0; j < k; j++) {
    const x = load<u8>((load<u32>(inRegion(inputsAt) + j * 4) as usize) + at) as usize;
    sum ^= load<u8>(table + (x & 15)) ^ load<u8>(table + 16 + (x >> 4));
    table += strideBytes;
  }
  return sum as u8;
}
