/**
 * The codec beside the package whose matrix it shares, the block checksum beside zlib.crc32, MD5 beside node:crypto: `node bench/codec.ts`.
 * Both sides get the same stripes of 4+2 shards in ordinary memory, copy them in, encode, and copy the parity out. They take
 * turns (ABBA) so that a slow moment of the machine hits both; each figure is the median of the rounds.
 */
import { hash, randomFillSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { crc32 } from "node:zlib";
import { blockCount, blockSizeBytes, createCodec, createMd5, createSharedMemory } from "@kakera/erasure";
import { MIB } from "@kakera/kernel";

const rounds = 3;
const geometry = { k: 4, m: 2 };
const shardSizeBytes = MIB / 4;
const dataSizeBytes = 256 * MIB;
const stripeDataBytes = geometry.k * shardSizeBytes;
const stripeBytes = (geometry.k + geometry.m) * shardSizeBytes;
const stripes = dataSizeBytes / stripeDataBytes;

/** `stripe`: four data shards, then room for two of parity; `index`: which of all stripes it is. */
type Encoder = (stripe: Buffer, index: number) => void;

/** The named package. Its instances break when they are used twice, so each call has a fresh one of a module compiled once. */
function packageEncoder(): Encoder {
  const require = createRequire(import.meta.url);
  const path = require.resolve("@subspace/reed-solomon-erasure.wasm");
  const { ReedSolomonErasure } = require(path) as {
    ReedSolomonErasure: new (exports: unknown) => { encode(shards: Uint8Array, k: number, m: number): number };
  };
  const { Module, Instance } = WebAssembly;
  const module = new Module(readFileSync(path.replace(/index\.js$/, "reed_solomon_erasure_bg.wasm")));
  return (stripe) => {
    const result = new ReedSolomonErasure(new Instance(module, {}).exports).encode(stripe, geometry.k, geometry.m);
    if (result !== 0) throw new Error(`the package failed with ${result}`);
  };
}

function ownEncoder(): Encoder {
  const memory = createSharedMemory({ sizeBytes: 8 * MIB });
  const codec = createCodec(memory);
  const slab = memory.acquire(stripeBytes);
  const offsets = Array.from({ length: geometry.k + geometry.m }, (_, i) => slab.offsetBytes + i * shardSizeBytes);
  return (stripe) => {
    stripe.copy(slab.bytes, 0, 0, stripeDataBytes);
    codec.encode(geometry, shardSizeBytes, offsets);
    slab.bytes.copy(stripe, stripeDataBytes, stripeDataBytes, stripeBytes);
  };
}

/** Both hash where the bytes lie: distinct data of the whole size in one shared memory. */
function checksummers(data: Buffer): { own: Encoder; crc: Encoder } {
  const memory = createSharedMemory({ sizeBytes: dataSizeBytes });
  const codec = createCodec(memory);
  const slabs = Array.from({ length: stripes }, (_, i) => {
    const slab = memory.acquire(stripeDataBytes);
    data.copy(slab.bytes, 0, i * stripeBytes, i * stripeBytes + stripeDataBytes);
    return slab;
  });
  const digests = Buffer.alloc(8 * blockCount(stripeDataBytes));
  return {
    own: (_stripe, index) => {
      const input = { offsetBytes: slabs[index]!.offsetBytes, lengthBytes: stripeDataBytes };
      codec.checksumBlocks(input, { lo: index, hi: 0 }, 0, digests);
    },
    crc: (_stripe, index) => {
      const { bytes } = slabs[index]!;
      for (let at = 0; at < stripeDataBytes; at += blockSizeBytes) crc32(bytes.subarray(at, at + blockSizeBytes));
    },
  };
}

/** MD5 of the stripe cut into as many bodies, side by side and one after the other. */
function md5s(data: Buffer, bodies: number): readonly [Encoder, Encoder] {
  const memory = createSharedMemory({ sizeBytes: 8 * MIB });
  const md5 = createMd5(memory);
  const slab = memory.acquire(stripeDataBytes);
  data.copy(slab.bytes, 0, 0, stripeDataBytes);
  const lengthBytes = stripeDataBytes / bodies;
  const starts = Array.from({ length: bodies }, (_, i) => i * lengthBytes);
  const own: Encoder = () => {
    const streams = starts.map(() => md5.begin());
    md5.update(streams.map((stream, i) => ({ stream, offsetBytes: slab.offsetBytes + starts[i]!, lengthBytes })));
    md5.finish(streams);
  };
  const native: Encoder = () => {
    for (const start of starts) hash("md5", slab.bytes.subarray(start, start + lengthBytes));
  };
  return [own, native];
}

/** GB of data a second over all stripes. */
function speed(encode: Encoder, data: Buffer): number {
  const start = performance.now();
  for (let i = 0; i < stripes; i++) encode(data.subarray(i * stripeBytes, (i + 1) * stripeBytes), i);
  return dataSizeBytes / (performance.now() - start) / 1e6;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

/** One line: both speeds and the ratio, medians over the rounds of a first, b twice, a last. */
function compare(title: string, [a, b]: readonly [Encoder, Encoder], data: Buffer): void {
  for (const encode of [a, b])
    for (let i = 0; i < 8; i++) encode(data.subarray(i * stripeBytes, (i + 1) * stripeBytes), i);
  const results = Array.from({ length: rounds }, () => {
    const first = [speed(a, data), speed(b, data)] as const;
    const second = [speed(b, data), speed(a, data)] as const;
    const [own, other] = [(first[0] + second[1]) / 2, (first[1] + second[0]) / 2];
    return { own, other, ratio: own / other };
  });
  const [own, other, ratio] = (["own", "other", "ratio"] as const).map((name) =>
    median(results.map((result) => result[name])),
  );
  console.log(`${title}: ${own!.toFixed(2)} against ${other!.toFixed(2)} GB/s, ratio ${ratio!.toFixed(1)}`);
}

const data = Buffer.allocUnsafe(stripes * stripeBytes);
for (let i = 0; i < stripes; i++) randomFillSync(data, i * stripeBytes, stripeDataBytes);
const [own, other] = [ownEncoder(), packageEncoder()];

const [mine, theirs] = [Buffer.from(data.subarray(0, stripeBytes)), Buffer.from(data.subarray(0, stripeBytes))];
own(mine, 0);
other(theirs, 0);
if (!mine.equals(theirs)) throw new Error("the two encoders disagree");

compare("encode 4+2, 256 KiB shards, copies included, against @subspace/reed-solomon-erasure.wasm", [own, other], data);
const { own: xxh3, crc } = checksummers(data);
compare("XXH3-64 of 64 KiB blocks in place, against zlib.crc32", [xxh3, crc], data);
for (const bodies of [1, 4, 8, 64])
  compare(`MD5 of ${bodies} bodies at once, against node:crypto`, md5s(data, bodies), data);
