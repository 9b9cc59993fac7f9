// What src/kernel.ts may call. All state is in one region of the imported memory; nothing is allocated.
export { md5Eight, md5Four } from "./md5-lanes";
export { md5One } from "./md5-one";
import { fillNibbleTables } from "./nibble-tables";
import { agrees as agreesOf, multiply as multiplyOf } from "./reed-solomon";
import { moveRegion } from "./region";
import { hash as hashOf, hashBlocks as hashBlocksOf } from "./xxh3";
import { absorbLong, beginLong, finishLong } from "./xxh3-long";
import { fillSecret, seedSecret } from "./xxh3-secret";

/** Must come first: takes the region over and writes its constants. */
export function prepare(region: usize): void {
  moveRegion(region);
  fillNibbleTables();
  fillSecret();
}

export function multiply(k: u32, rows: u32, size: usize): void {
  multiplyOf(k, rows, size);
}

export function agrees(k: u32, rows: u32, size: usize): u32 {
  return agreesOf(k, rows, size);
}

/** Wholly inside WebAssembly: `copyWithin` on shared memory goes a word at a time. */
export function copy(to: usize, from: usize, size: usize): void {
  memory.copy(to, from, size);
}

export function hashBlocks(at: usize, length: usize, seedLow: u32, seedHigh: u32): void {
  hashBlocksOf(at, length, seedOf(seedLow, seedHigh));
}

export function hash(at: usize, length: usize, seedLow: u32, seedHigh: u32): u64 {
  return hashOf(at, length, seedOf(seedLow, seedHigh));
}

export function hashBegin(seedLow: u32, seedHigh: u32): void {
  seedSecret(seedOf(seedLow, seedHigh));
  beginLong();
}

export function hashAbsorb(at: usize, length: usize): void {
  absorbLong(at, length);
}

export function hashFinish(at: usize, length: usize, totalLow: u32, totalHigh: u32): u64 {
  return finishLong(at, length, seedOf(totalLow, totalHigh));
}

function seedOf(low: u32, high: u32): u64 {
  return ((high as u64) << 32) | (low as u64);
}
