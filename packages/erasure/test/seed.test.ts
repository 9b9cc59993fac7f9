import { createSeededRandom, newId, parseId } from "@kakera/kernel";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { addToSeed, shardSeed, type Seed } from "../src/index.ts";

const asBigint = ({ lo, hi }: Seed): bigint => (BigInt(hi) << 32n) | BigInt(lo);
const chunksPerBodyMax = 2 ** 17;

describe("addToSeed()", () => {
  test("adds modulo 2^64", () => {
    expect(addToSeed({ lo: 0xffffffff, hi: 7 }, 1)).toEqual({ lo: 0, hi: 8 });
    expect(addToSeed({ lo: 0xffffffff, hi: 0xffffffff }, 1)).toEqual({ lo: 0, hi: 0 });
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.maxSafeNat(), (seed, count) => {
        const halves = { lo: Number(seed & 0xffffffffn), hi: Number(seed >> 32n) };
        expect(asBigint(addToSeed(halves, count))).toBe(BigInt.asUintN(64, seed + BigInt(count)));
      }),
    );
  });
});

describe("shardSeed()", () => {
  test("is part of the disk format: these seeds do not change", () => {
    const dataId = parseId("data", "00112233445566778899aabbccddeeff")!;
    expect(asBigint(shardSeed(dataId, 0, 0)).toString(16)).toBe("8888888888888888");
    expect(asBigint(shardSeed(dataId, 0, 5)).toString(16)).toBe("888888888888b088");
    expect(asBigint(shardSeed(dataId, 70_000, 31)).toString(16)).toBe("8888888999f98088");
  });

  test("gives no two blocks of one body the same seed", () => {
    const dataId = newId("data", createSeededRandom(4));
    const place = fc.record({
      chunk: fc.nat({ max: chunksPerBodyMax }),
      shard: fc.nat({ max: 31 }),
      block: fc.nat({ max: 1023 }),
    });
    fc.assert(
      fc.property(place, place, (a, b) => {
        const isSame = a.chunk === b.chunk && a.shard === b.shard && a.block === b.block;
        const seeds = [a, b].map(({ chunk, shard, block }) =>
          asBigint(addToSeed(shardSeed(dataId, chunk, shard), block)),
        );
        expect(seeds[0] === seeds[1]).toBe(isSame);
      }),
      { numRuns: 1000 },
    );
  });

  test("depends on every digit of the data id", () => {
    const dataId = "00112233445566778899aabbccddeeff";
    const seeds = Array.from({ length: 32 }, (_, i) => {
      const digit = dataId[i] === "0" ? "1" : "0";
      return asBigint(shardSeed(parseId("data", dataId.slice(0, i) + digit + dataId.slice(i + 1))!, 3, 1));
    });
    expect(seeds).not.toContain(asBigint(shardSeed(parseId("data", dataId)!, 3, 1)));
  });
});
