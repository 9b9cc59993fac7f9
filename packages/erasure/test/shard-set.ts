import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { createSeededRandom, type Geometry, type Random } from "@kakera/kernel";
import type { SharedMemory, Slab } from "../src/index.ts";

const guardSizeBytes = 32;
/** Not constant: the parity of equal bytes is that very byte, and would not show. */
const noise = createSeededRandom(1).bytes(4096);

/** k+m shards in one slab at odd distances, with guards between them that show when a write goes beyond its shard. */
export interface ShardSet {
  readonly offsets: number[];
  shard(index: number): Buffer;
  /** Copies of all shards, as they are now. */
  copies(): Buffer[];
  areGuardsWhole(): boolean;
  release(): void;
}

export function layShards(memory: SharedMemory, geometry: Geometry, shardSizeBytes: number): ShardSet {
  const count = geometry.k + geometry.m;
  const strideBytes = shardSizeBytes + guardSizeBytes + 1;
  const slab: Slab = memory.acquire(guardSizeBytes + count * strideBytes);
  slab.bytes.fill(noise);
  const starts = Array.from({ length: count }, (_, i) => guardSizeBytes + i * strideBytes);
  const shard = (index: number): Buffer => slab.bytes.subarray(starts[index]!, starts[index]! + shardSizeBytes);
  return {
    offsets: starts.map((start) => slab.offsetBytes + start),
    shard,
    copies: () => starts.map((_, index) => Buffer.from(shard(index))),
    areGuardsWhole: () => {
      const untouched = Buffer.alloc(slab.sizeBytes, noise);
      starts.forEach((start, index) => shard(index).copy(untouched, start));
      return untouched.equals(slab.bytes);
    },
    release: () => slab.release(),
  };
}

export function fillData(set: ShardSet, geometry: Geometry, random: Random): void {
  for (let i = 0; i < geometry.k; i++) set.shard(i).set(random.bytes(set.shard(i).byteLength));
}

interface Oracle {
  encode(shards: Uint8Array, k: number, m: number): number;
  reconstruct(shards: Uint8Array, k: number, m: number, isAvailable: boolean[]): number;
}
const require = createRequire(import.meta.url);
const oraclePath = require.resolve("@subspace/reed-solomon-erasure.wasm");
const { ReedSolomonErasure } = require(oraclePath) as { ReedSolomonErasure: { fromBytes(bytes: Uint8Array): Oracle } };
const oracleBytes = readFileSync(oraclePath.replace(/index\.js$/, "reed_solomon_erasure_bg.wasm"));

/** The named package. A fresh instance for each call: one that is used twice corrupts its memory. */
export function freshOracle(): Oracle {
  return ReedSolomonErasure.fromBytes(oracleBytes);
}
