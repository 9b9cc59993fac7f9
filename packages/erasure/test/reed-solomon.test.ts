import { ClusterFailure, createSeededRandom, type Geometry } from "@kakera/kernel";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createCodec, createSharedMemory } from "../src/index.ts";
import { fillData, freshOracle, layShards, type ShardSet } from "./shard-set.ts";

const memory = createSharedMemory({ sizeBytes: 16 * 1024 * 1024 });
const codec = createCodec(memory);

const geometries: readonly Geometry[] = [
  { k: 1, m: 1 },
  { k: 1, m: 4 },
  { k: 2, m: 1 },
  { k: 2, m: 2 },
  { k: 3, m: 3 },
  { k: 4, m: 2 },
  { k: 6, m: 3 },
  { k: 8, m: 4 },
];
const anyGeometry = fc
  .tuple(fc.integer({ min: 1, max: 31 }), fc.integer({ min: 1, max: 31 }))
  .map(([k, m]) => ({ k, m: Math.min(m, 32 - k) }));
/** Around the widths of the kernel's loops, its tiles, and now and then anything. */
const anySize = fc.oneof(
  fc.constantFrom(1, 2, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 4095, 4096, 4097, 8192, 8193),
  fc.integer({ min: 1, max: 9000 }),
);

interface Encoded {
  readonly set: ShardSet;
  readonly originals: Buffer[];
}

function encodeRandom(geometry: Geometry, sizeBytes: number, seed: number): Encoded {
  const set = layShards(memory, geometry, sizeBytes);
  fillData(set, geometry, createSeededRandom(seed));
  codec.encode(geometry, sizeBytes, set.offsets);
  return { set, originals: set.copies() };
}

/** Every way to lose 1 to m of the shards, as lists of flags. */
function losses({ k, m }: Geometry): boolean[][] {
  const all: boolean[][] = [];
  for (let mask = 1; mask < 2 ** (k + m); mask++) {
    const isPresent = Array.from({ length: k + m }, (_, i) => ((mask >>> i) & 1) === 0);
    if (isPresent.filter((present) => !present).length <= m) all.push(isPresent);
  }
  return all;
}

function lose({ set }: Encoded, isPresent: readonly boolean[]): void {
  isPresent.forEach((present, i) => present || set.shard(i).fill(0x5a));
}

describe("encode()", () => {
  test("gives the bytes of the named Reed-Solomon package for any geometry and size", () => {
    fc.assert(
      fc.property(anyGeometry, anySize, fc.nat(), (geometry, sizeBytes, seed) => {
        const { set, originals } = encodeRandom(geometry, sizeBytes, seed);
        const joined = Buffer.concat(originals);
        joined.fill(0, geometry.k * sizeBytes);
        expect(freshOracle().encode(joined, geometry.k, geometry.m)).toBe(0);
        expect(Buffer.concat(originals).equals(joined)).toBe(true);
        expect(set.areGuardsWhole()).toBe(true);
        set.release();
      }),
      { numRuns: 150 },
    );
  });

  test("makes plain copies when k is 1", () => {
    const { set, originals } = encodeRandom({ k: 1, m: 3 }, 1001, 7);
    expect(originals.slice(1).every((copy) => copy.equals(originals[0]!))).toBe(true);
    set.release();
  });

  test("leaves everything alone when m is 0 or the shards are empty", () => {
    const { set, originals } = encodeRandom({ k: 3, m: 0 }, 100, 7);
    expect(set.copies()).toEqual(originals);
    expect(set.areGuardsWhole()).toBe(true);
    set.release();
    const empty = encodeRandom({ k: 4, m: 2 }, 0, 7);
    expect(empty.set.areGuardsWhole()).toBe(true);
    empty.set.release();
  });

  test("keeps its bytes: the parity of 4+2 over a fixed pattern", () => {
    const set = layShards(memory, { k: 4, m: 2 }, 8);
    for (let i = 0; i < 4; i++) set.shard(i).set(Uint8Array.from({ length: 8 }, (_, j) => (i * 8 + j + 1) ** 3));
    codec.encode({ k: 4, m: 2 }, 8, set.offsets);
    expect(
      set
        .copies()
        .slice(4)
        .map((shard) => shard.toString("hex")),
    ).toEqual(["2e339c3441b00200", "8cf4b4b48ef79d00"]);
    set.release();
  });

  test("refuses shards outside the memory, over the codec's tables, or over each other", () => {
    const set = layShards(memory, { k: 2, m: 1 }, 100);
    const [first, second, third] = set.offsets as [number, number, number];
    const encode = (offsets: number[]) => () => codec.encode({ k: 2, m: 1 }, 100, offsets);
    const end = memory.memory.buffer.byteLength;
    expect(encode([first, second, end - 99])).toThrow("lies in the shared memory");
    expect(encode([first, second, -1])).toThrow("lies in the shared memory");
    expect(encode([first, second + 0.5, third])).toThrow("lies in the shared memory");
    expect(encode([first, 65535, third])).toThrow("own region");
    expect(encode([first, second, second + 99])).toThrow("overlap");
    expect(encode([first, second])).toThrow("one offset for each shard");
    expect(() => codec.encode({ k: 30, m: 3 }, 1, Array(33).fill(first))).toThrow("within bounds");
    set.release();
  });
});

describe("reconstruct()", () => {
  test.each(geometries)("brings every loss of up to m shards back, data and parity, for $k+$m", (geometry) => {
    for (const sizeBytes of [1, 63, 200]) {
      const encoded = encodeRandom(geometry, sizeBytes, sizeBytes);
      for (const isPresent of losses(geometry)) {
        lose(encoded, isPresent);
        codec.reconstruct(geometry, sizeBytes, encoded.set.offsets, isPresent);
        const isWhole = encoded.originals.every((original, i) => original.equals(encoded.set.shard(i)));
        expect(isWhole, `lost ${isPresent.flatMap((present, i) => (present ? [] : [i])).join()}`).toBe(true);
      }
      expect(encoded.set.areGuardsWhole()).toBe(true);
      encoded.set.release();
    }
  });

  test("brings sampled losses back for any geometry and size", () => {
    const cases = fc.tuple(anyGeometry, anySize, fc.nat()).chain(([geometry, sizeBytes, seed]) =>
      fc.tuple(
        fc.constant({ geometry, sizeBytes, seed }),
        fc.subarray(
          Array.from({ length: geometry.k + geometry.m }, (_, i) => i),
          { minLength: 1, maxLength: geometry.m },
        ),
      ),
    );
    fc.assert(
      fc.property(cases, ([{ geometry, sizeBytes, seed }, lost]) => {
        const encoded = encodeRandom(geometry, sizeBytes, seed);
        const isPresent = encoded.originals.map((_, i) => !lost.includes(i));
        lose(encoded, isPresent);
        codec.reconstruct(geometry, sizeBytes, encoded.set.offsets, isPresent);
        expect(encoded.originals.every((original, i) => original.equals(encoded.set.shard(i)))).toBe(true);
        expect(encoded.set.areGuardsWhole()).toBe(true);
        encoded.set.release();
      }),
      { numRuns: 200 },
    );
  });

  test("agrees with the named package about lost data shards", () => {
    const geometry = { k: 5, m: 3 };
    const sizeBytes = 333;
    const { set, originals } = encodeRandom(geometry, sizeBytes, 3);
    for (const isPresent of losses(geometry)) {
      const joined = Buffer.concat(originals.map((shard, i) => (isPresent[i] ? shard : Buffer.alloc(sizeBytes))));
      expect(freshOracle().reconstruct(joined, geometry.k, geometry.m, isPresent)).toBe(0);
      isPresent.forEach((present, i) => present || set.shard(i).fill(0));
      codec.reconstruct(geometry, sizeBytes, set.offsets, isPresent);
      const data = Buffer.concat(set.copies().slice(0, geometry.k));
      expect(data.equals(joined.subarray(0, geometry.k * sizeBytes))).toBe(true);
    }
    set.release();
  });

  test("writes only the wanted shards, and looks at no offset that it does not need", () => {
    const geometry = { k: 4, m: 3 };
    const encoded = encodeRandom(geometry, 500, 11);
    const isPresent = [true, false, true, true, true, false, false];
    lose(encoded, isPresent);
    const offsets = encoded.set.offsets.map((offset, i) => (i === 1 || i === 6 ? -1 : offset));
    codec.reconstruct(geometry, 500, offsets, isPresent, [5, 0]);
    expect(encoded.set.shard(5).equals(encoded.originals[5]!)).toBe(true);
    expect(encoded.set.shard(0).equals(encoded.originals[0]!)).toBe(true);
    expect(encoded.set.shard(1).every((byte) => byte === 0x5a)).toBe(true);
    expect(encoded.set.shard(6).every((byte) => byte === 0x5a)).toBe(true);
    encoded.set.release();
  });

  test("fails with the kind repair when fewer than k shards are present", () => {
    const encoded = encodeRandom({ k: 4, m: 2 }, 64, 1);
    const rebuild = () =>
      codec.reconstruct({ k: 4, m: 2 }, 64, encoded.set.offsets, [true, true, true, false, false, false]);
    expect(rebuild).toThrow(ClusterFailure);
    expect(rebuild).toThrow(expect.objectContaining({ kind: "repair" }));
    encoded.set.release();
  });

  test("stays right when more loss patterns are met than it remembers", () => {
    const geometry = { k: 6, m: 6 };
    const encoded = encodeRandom(geometry, 70, 5);
    const patterns = losses(geometry).filter((isPresent) => isPresent.filter((present) => !present).length === 6);
    expect(patterns.length).toBeGreaterThan(600);
    for (const isPresent of [...patterns, ...patterns.slice(0, 300), ...patterns.slice(-300)]) {
      lose(encoded, isPresent);
      codec.reconstruct(geometry, 70, encoded.set.offsets, isPresent);
      expect(encoded.originals.every((original, i) => original.equals(encoded.set.shard(i)))).toBe(true);
    }
    encoded.set.release();
  });
});

describe("verify()", () => {
  test("accepts what encode() wrote and notices one flipped bit anywhere", () => {
    fc.assert(
      fc.property(
        anyGeometry,
        anySize,
        fc.nat(),
        fc.nat(),
        fc.nat({ max: 7 }),
        (geometry, sizeBytes, seed, place, bit) => {
          const { set } = encodeRandom(geometry, sizeBytes, seed);
          expect(codec.verify(geometry, sizeBytes, set.offsets)).toBe(true);
          const shard = set.shard(place % (geometry.k + geometry.m));
          shard[seed % sizeBytes]! ^= 1 << bit;
          expect(codec.verify(geometry, sizeBytes, set.offsets)).toBe(false);
          set.release();
        },
      ),
      { numRuns: 150 },
    );
  });

  test("has nothing to object to without parity or without bytes", () => {
    const { set } = encodeRandom({ k: 2, m: 0 }, 10, 1);
    expect(codec.verify({ k: 2, m: 0 }, 10, set.offsets)).toBe(true);
    expect(codec.verify({ k: 1, m: 1 }, 0, set.offsets)).toBe(true);
    set.release();
  });
});
