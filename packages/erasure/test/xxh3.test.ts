import { createSeededRandom } from "@kakera/kernel";
import fc from "fast-check";
import { xxhash3 } from "hash-wasm";
import { describe, expect, test } from "vitest";
import { blockCount, blockSizeBytes, createCodec, createSharedMemory, shardDigest } from "../src/index.ts";

const memory = createSharedMemory({ sizeBytes: 80 * 1024 * 1024 });
const codec = createCodec(memory);
const prime64 = 0x9e3779b185ebca8dn;

/** The input of the published vectors: the top bytes of powers of a prime. */
function vectorInput(lengthBytes: number): Buffer {
  const bytes = Buffer.alloc(lengthBytes);
  let state = 2654435761n;
  for (let i = 0; i < lengthBytes; i++, state = (state * prime64) & 0xffffffffffffffffn)
    bytes[i] = Number(state >> 56n);
  return bytes;
}

/** The reference implementation's own check values: length, unseeded, seeded with the 64-bit prime of its generator. */
const vectors: readonly (readonly [number, bigint, bigint])[] = [
  [0, 0x2d06800538d394c2n, 0xa8a6b918b2f0364an],
  [1, 0xc44bdff4074eecdbn, 0x032be332dd766ef8n],
  [6, 0x27b56a84cd2d7325n, 0x84589c116ab59ab9n],
  [12, 0xa713daf0dfbb77e7n, 0xe7303e1b2336de0en],
  [24, 0xa3fe70bf9d3510ebn, 0x850e80fc35bdd690n],
  [48, 0x397da259ecba1f11n, 0xadc2cbaa44acc616n],
  [80, 0xbcdefbbb2c47c90an, 0xc6dd0cb699532e73n],
  [195, 0xcd94217ee362ec3an, 0xba68003d370cb3d9n],
  [403, 0xcdeb804d65c6dea4n, 0x6259f6ecfd6443fdn],
  [512, 0x617e49599013cb6bn, 0x3ce457de14c27708n],
  [2048, 0xdd59e2c3a5f038e0n, 0x66f81670669ababcn],
  [2240, 0x6e73a90539cf2948n, 0x757ba8487d1b5247n],
  [2367, 0xcb37aeb9e5d361edn, 0xd2db3415b942b42an],
];

/** Another implementation of the same hash. */
async function hashElsewhere(bytes: Uint8Array, seed: bigint): Promise<bigint> {
  return BigInt(`0x${await xxhash3(bytes, Number(seed & 0xffffffffn), Number(seed >> 32n))}`);
}

describe("hash64()", () => {
  test.each(vectors)("gives the published values for %i bytes", (lengthBytes, unseeded, seeded) => {
    expect(codec.hash64(vectorInput(lengthBytes), 0n)).toBe(unseeded);
    expect(codec.hash64(vectorInput(lengthBytes), prime64)).toBe(seeded);
  });

  test("agrees with another implementation for every length up to 1100 and around every border beyond", async () => {
    const random = createSeededRandom(1);
    const bytes = Buffer.from(random.bytes(131_200));
    const borders = [2047, 2048, 2049, 32767, 32768, 32769, 33792, 33793, 65535, 65536, 65537, 98304, 98305, 131_100];
    for (const length of [...Array(1101).keys(), ...borders]) {
      const seed = length % 3 === 0 ? 0n : Buffer.from(random.bytes(8)).readBigUInt64LE();
      const input = bytes.subarray(length % 7, (length % 7) + length);
      expect(codec.hash64(input, seed), `${length} bytes`).toBe(await hashElsewhere(input, seed));
    }
  });

  test("is the same for bytes in the memory, at any alignment, and for bytes outside", () => {
    const slab = memory.acquire(300_000);
    fc.assert(
      fc.property(
        fc.nat({ max: 200_000 }),
        fc.nat({ max: 70 }),
        fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        (length, shift, seed) => {
          const inside = slab.bytes.subarray(shift, shift + length);
          inside.set(createSeededRandom(length).bytes(Math.min(length, 400)), 0);
          const outside = Buffer.from(inside);
          expect(codec.hash64(outside, seed)).toBe(codec.hash64(inside, seed));
          expect(codec.hash64(outside, { lo: Number(seed & 0xffffffffn), hi: Number(seed >> 32n) })).toBe(
            codec.hash64(inside, seed),
          );
        },
      ),
      { numRuns: 60 },
    );
    slab.release();
  });
});

describe("checksumBlocks()", () => {
  test("hashes each 64 KiB block, the last one short, with the seed of its place", async () => {
    const lengthBytes = 3 * blockSizeBytes + 777;
    const slab = memory.acquire(lengthBytes + 1);
    slab.bytes.set(createSeededRandom(2).bytes(lengthBytes + 1));
    const seed = 2n ** 64n - 6n;
    const out = Buffer.alloc(8 * 4 + 1, 0xee);
    codec.checksumBlocks({ offsetBytes: slab.offsetBytes + 1, lengthBytes }, seed, 4, out);
    for (let i = 0; i < 4; i++) {
      const block = Buffer.from(
        slab.bytes.subarray(1 + i * blockSizeBytes, 1 + Math.min(lengthBytes, (i + 1) * blockSizeBytes)),
      );
      expect(out.readBigUInt64LE(i * 8)).toBe(await hashElsewhere(block, BigInt.asUintN(64, seed + 4n + BigInt(i))));
    }
    expect(out[32]).toBe(0xee);
    slab.release();
  });

  test("does in one call what it does block by block, also past the 1024 blocks that the kernel takes at once", () => {
    const blocks = 1100;
    const range = { offsetBytes: 65536, lengthBytes: blocks * blockSizeBytes - 100 };
    const bytes = Buffer.from(memory.memory.buffer, range.offsetBytes, range.lengthBytes);
    for (let i = 0; i < blocks; i++) bytes.writeUInt32LE((i * 2654435761) >>> 0, i * blockSizeBytes);
    const whole = Buffer.alloc(blocks * 8);
    const single = Buffer.alloc(8);
    codec.checksumBlocks(range, 99n, 5, whole);
    for (let i = 0; i < blocks; i++) {
      const lengthBytes = Math.min(blockSizeBytes, range.lengthBytes - i * blockSizeBytes);
      codec.checksumBlocks({ offsetBytes: range.offsetBytes + i * blockSizeBytes, lengthBytes }, 99n, 5 + i, single);
      expect(single.equals(whole.subarray(i * 8, i * 8 + 8)), `block ${i}`).toBe(true);
    }
    expect(codec.verifyBlocks(range, 99n, 5, whole)).toBe(true);
    bytes[1050 * blockSizeBytes + 17]! ^= 4;
    expect(codec.firstBadBlock(range, 99n, 5, whole)).toBe(1050);
  });

  test("has no blocks for no bytes, and refuses an `out` that is too small", () => {
    const out = Buffer.alloc(8, 1);
    codec.checksumBlocks({ offsetBytes: 65536, lengthBytes: 0 }, 0n, 0, out);
    expect(out.equals(Buffer.alloc(8, 1))).toBe(true);
    expect(() => codec.checksumBlocks({ offsetBytes: 65536, lengthBytes: 65537 }, 0n, 0, out)).toThrow("room");
    expect(() => codec.checksumBlocks({ offsetBytes: 0, lengthBytes: 1 }, 0n, 0, out)).toThrow("own region");
    expect([0, 1, 65536, 65537].map(blockCount)).toEqual([0, 1, 1, 2]);
  });
});

describe("verifyBlocks() and firstBadBlock()", () => {
  test("notice a flipped bit, another seed and another place, and name the first bad block", () => {
    const lengthBytes = 5 * blockSizeBytes - 3;
    const slab = memory.acquire(lengthBytes);
    const range = { offsetBytes: slab.offsetBytes, lengthBytes };
    const seed = { lo: 0xfffffffe, hi: 3 };
    const expected = Buffer.alloc(40);
    fc.assert(
      fc.property(
        fc.nat({ max: lengthBytes - 1 }),
        fc.nat({ max: 7 }),
        fc.nat({ max: 39 }),
        (place, bit, checksumPlace) => {
          codec.checksumBlocks(range, seed, 0, expected);
          expect(codec.verifyBlocks(range, seed, 0, expected)).toBe(true);
          slab.bytes[place]! ^= 1 << bit;
          expect(codec.verifyBlocks(range, seed, 0, expected)).toBe(false);
          expect(codec.firstBadBlock(range, seed, 0, expected)).toBe(Math.floor(place / blockSizeBytes));
          slab.bytes[place]! ^= 1 << bit;
          expected[checksumPlace]! ^= 1 << bit;
          expect(codec.firstBadBlock(range, seed, 0, expected)).toBe(Math.floor(checksumPlace / 8));
        },
      ),
      { numRuns: 60 },
    );
    codec.checksumBlocks(range, seed, 0, expected);
    expect(codec.firstBadBlock(range, seed, 1, expected)).toBe(0);
    expect(codec.firstBadBlock(range, { lo: 0xfffffffe, hi: 4 }, 0, expected)).toBe(0);
    slab.release();
  });
});

describe("shardDigest()", () => {
  test("is the unseeded hash of the block checksums, little-endian, for shards of any size", () => {
    for (const blocks of [0, 1, 2, 100, 1024, 5000]) {
      const checksums = Buffer.from(createSeededRandom(blocks).bytes(blocks * 8));
      expect(shardDigest(checksums).readBigUInt64LE()).toBe(codec.hash64(checksums, 0n));
      expect(shardDigest(checksums).byteLength).toBe(8);
    }
  });
});
