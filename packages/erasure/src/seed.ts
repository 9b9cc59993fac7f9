import type { DataId } from "@kakera/kernel";

/** A 64-bit seed as two halves, so that no bigint is made on a hot path. Each is an unsigned 32-bit integer. */
export interface Seed {
  readonly lo: number;
  readonly hi: number;
}

export function toSeed(value: bigint | Seed): Seed {
  if (typeof value !== "bigint") return value;
  return { lo: Number(value & 0xffffffffn), hi: Number((value >> 32n) & 0xffffffffn) };
}

/** seed + count, modulo 2^64. `count` is a whole number from 0 to 2^53 - 1. */
export function addToSeed(seed: Seed, count: number): Seed {
  const low = seed.lo + (count % 2 ** 32);
  const high = seed.hi + Math.floor(count / 2 ** 32) + (low >= 2 ** 32 ? 1 : 0);
  return { lo: low >>> 0, hi: high >>> 0 };
}

/** More than the 1,024 blocks that a shard can have (64 MiB with k = 1). */
const blocksPerShardMax = 2048;
const shardsPerChunkMax = 32;

/**
 * The seed of a shard's first block; block i has this plus i. Within one body no two blocks share a seed, and across bodies
 * it differs by the body's random id, so a block read from the wrong place fails its checksum [correctness.md, F23].
 * Part of the disk format.
 */
export function shardSeed(dataId: DataId, chunkIndex: number, shardIndex: number): Seed {
  const body = {
    lo: (wordOf(dataId, 1) ^ wordOf(dataId, 3)) >>> 0,
    hi: (wordOf(dataId, 0) ^ wordOf(dataId, 2)) >>> 0,
  };
  return addToSeed(body, (chunkIndex * shardsPerChunkMax + shardIndex) * blocksPerShardMax);
}

const digitsPerWord = 8;

/** Eight hexadecimal digits, lower case, as a number of 32 bits. On the path of every block: no string is cut out to be parsed. */
function wordOf(dataId: DataId, index: number): number {
  let word = 0;
  for (let at = index * digitsPerWord; at < (index + 1) * digitsPerWord; at++) {
    const code = dataId.charCodeAt(at);
    word = (word << 4) | (code < 0x3a ? code - 0x30 : code - 0x57);
  }
  return word;
}
