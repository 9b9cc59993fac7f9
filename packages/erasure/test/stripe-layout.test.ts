import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  blockWindow,
  shardPieces,
  shardWindow,
  stripeAt,
  stripeCount,
  stripeLayout,
  stripeUnitBytesMax,
  type Extent,
  type StripeLayout,
} from "../src/index.ts";

const unit = stripeUnitBytesMax;
const anyK = fc.oneof(fc.constantFrom(1, 2, 4, 6, 8), fc.integer({ min: 1, max: 31 }));
const anyBodySize = fc.oneof(
  fc.constantFrom(
    0,
    1,
    63,
    64,
    65,
    unit - 1,
    unit,
    unit + 1,
    2 * unit,
    4 * unit,
    4 * unit + 1,
    12 * unit,
    64 * 1024 * 1024,
  ),
  fc.nat({ max: 5000 }),
  fc.nat({ max: 20 * unit }),
);
const anyLayout = fc.tuple(anyBodySize, anyK).map(([bodySizeBytes, k]) => stripeLayout(bodySizeBytes, k));
const anyLayoutAndRange: fc.Arbitrary<[StripeLayout, Extent]> = anyLayout.chain((layout) =>
  fc
    .tuple(nearBorder(layout), nearBorder(layout))
    .map(([a, b]) => [layout, { offsetBytes: Math.min(a, b), lengthBytes: Math.abs(a - b) }]),
);

/** A place in the body: anywhere, or next to the border of a unit. */
function nearBorder(layout: StripeLayout): fc.Arbitrary<number> {
  const clip = (place: number): number => Math.min(layout.bodySizeBytes, Math.max(0, place));
  const borders = Math.ceil(layout.bodySizeBytes / unit);
  return fc.oneof(
    fc.nat({ max: layout.bodySizeBytes }),
    fc.tuple(fc.nat({ max: borders }), fc.integer({ min: -2, max: 2 })).map(([index, by]) => clip(index * unit + by)),
  );
}

/** The data shards that a writer makes of a body, stripe by stripe. */
function writeShards(layout: StripeLayout, body: Buffer): Buffer[] {
  const shards = Array.from({ length: layout.k }, () => Buffer.alloc(layout.shardSizeBytes));
  for (let index = 0; index < stripeCount(layout); index++) {
    const stripe = stripeAt(layout, index);
    for (let shard = 0; shard < layout.k; shard++) {
      const from = stripe.bodyOffsetBytes + shard * stripe.unitSizeBytes;
      const end = Math.min(from + stripe.unitSizeBytes, stripe.bodyOffsetBytes + stripe.bodyLengthBytes);
      if (from < end) body.copy(shards[shard]!, stripe.shardOffsetBytes, from, end);
    }
  }
  return shards;
}

describe("stripeLayout()", () => {
  test("is part of the disk format: these sizes do not change", () => {
    const sizes = (bodySizeBytes: number, k: number) => {
      const { shardSizeBytes, fullStripeCount, lastUnitSizeBytes } = stripeLayout(bodySizeBytes, k);
      return [shardSizeBytes, fullStripeCount, lastUnitSizeBytes];
    };
    expect(sizes(0, 4)).toEqual([0, 0, 0]);
    expect(sizes(1, 4)).toEqual([64, 0, 64]);
    expect(sizes(40_000, 4)).toEqual([10_048, 0, 10_048]);
    expect(sizes(1_048_576, 4)).toEqual([262_144, 1, 0]);
    expect(sizes(1_048_577, 4)).toEqual([262_208, 1, 64]);
    expect(sizes(1_048_575, 4)).toEqual([262_144, 0, 262_144]);
    expect(sizes(64 * 1024 * 1024, 6)).toEqual([11_184_832, 42, 174_784]);
    expect(sizes(30_001, 1)).toEqual([30_001, 0, 30_001]);
    expect(sizes(600_000, 1)).toEqual([600_000, 2, 75_712]);
  });

  test("cuts the whole body into stripes without gap or overlap, and pads the last by less than 64 bytes a shard", () => {
    fc.assert(
      fc.property(anyLayout, (layout) => {
        const { k, bodySizeBytes } = layout;
        let body = 0;
        let shard = 0;
        for (let index = 0; index < stripeCount(layout); index++) {
          const stripe = stripeAt(layout, index);
          expect([stripe.bodyOffsetBytes, stripe.shardOffsetBytes]).toEqual([body, shard]);
          expect(stripe.bodyLengthBytes).toBeGreaterThan(0);
          expect(stripe.bodyLengthBytes).toBeLessThanOrEqual(k * stripe.unitSizeBytes);
          expect(stripe.unitSizeBytes).toBeLessThanOrEqual(unit);
          body += stripe.bodyLengthBytes;
          shard += stripe.unitSizeBytes;
        }
        expect([body, shard]).toEqual([bodySizeBytes, layout.shardSizeBytes]);
        expect(k * layout.shardSizeBytes - bodySizeBytes).toBeLessThan(k * 64);
        if (k === 1) expect(layout.shardSizeBytes).toBe(bodySizeBytes);
      }),
    );
  });
});

describe("shardPieces()", () => {
  test("finds every range of a body in the shards, in body order", () => {
    fc.assert(
      fc.property(anyLayoutAndRange, ([layout, range]) => {
        let at = range.offsetBytes;
        for (const piece of shardPieces(layout, range)) {
          expect(piece.bodyOffsetBytes).toBe(at);
          expect(piece.lengthBytes).toBeGreaterThan(0);
          expect(piece.shard).toBeLessThan(layout.k);
          expect(piece.shardOffsetBytes + piece.lengthBytes).toBeLessThanOrEqual(layout.shardSizeBytes);
          at += piece.lengthBytes;
        }
        expect(at).toBe(range.offsetBytes + range.lengthBytes);
      }),
    );
  });

  test("reads back exactly what a writer laid out", () => {
    const body = Buffer.alloc(9 * unit + 12_345);
    for (let i = 0; i + 4 <= body.byteLength; i += 4) body.writeUInt32LE(Math.imul(i, 2654435761) >>> 0, i);
    for (const k of [1, 2, 3, 4, 8]) {
      const layout = stripeLayout(body.byteLength, k);
      const shards = writeShards(layout, body);
      fc.assert(
        fc.property(nearBorder(layout), nearBorder(layout), (a, b) => {
          const range = { offsetBytes: Math.min(a, b), lengthBytes: Math.abs(a - b) };
          const read = shardPieces(layout, range).map((piece) =>
            shards[piece.shard]!.subarray(piece.shardOffsetBytes, piece.shardOffsetBytes + piece.lengthBytes),
          );
          expect(
            Buffer.concat(read).equals(body.subarray(range.offsetBytes, range.offsetBytes + range.lengthBytes)),
          ).toBe(true);
        }),
        { numRuns: 40 },
      );
    }
  });

  test("is one piece when there is one data shard, and none for an empty range", () => {
    const layout = stripeLayout(5 * unit, 1);
    expect(shardPieces(layout, { offsetBytes: 10, lengthBytes: 4 * unit })).toEqual([
      { shard: 0, shardOffsetBytes: 10, bodyOffsetBytes: 10, lengthBytes: 4 * unit },
    ]);
    expect(shardPieces(layout, { offsetBytes: 10, lengthBytes: 0 })).toEqual([]);
    expect(() => shardPieces(layout, { offsetBytes: 5 * unit, lengthBytes: 1 })).toThrow("lies in the body");
  });
});

describe("shardWindow()", () => {
  test("is the tightest extent that holds every piece of the range", () => {
    fc.assert(
      fc.property(anyLayoutAndRange, ([layout, range]) => {
        const pieces = shardPieces(layout, range);
        if (pieces.length === 0) {
          expect(shardWindow(layout, range).lengthBytes).toBe(0);
          return;
        }
        const start = Math.min(...pieces.map((piece) => piece.shardOffsetBytes));
        const end = Math.max(...pieces.map((piece) => piece.shardOffsetBytes + piece.lengthBytes));
        expect(shardWindow(layout, range)).toEqual({ offsetBytes: start, lengthBytes: end - start });
      }),
      { numRuns: 500 },
    );
  });
});

describe("blockWindow()", () => {
  test("widens to whole blocks and ends with the shard at the latest", () => {
    const layout = stripeLayout(1_000_000, 4);
    expect(layout.shardSizeBytes).toBe(250_048);
    expect(blockWindow(layout, { offsetBytes: 65_535, lengthBytes: 2 })).toEqual({
      offsetBytes: 0,
      lengthBytes: 131_072,
    });
    expect(blockWindow(layout, { offsetBytes: 200_000, lengthBytes: 1 })).toEqual({
      offsetBytes: 196_608,
      lengthBytes: 53_440,
    });
    expect(blockWindow(layout, { offsetBytes: 65_536, lengthBytes: 65_536 })).toEqual({
      offsetBytes: 65_536,
      lengthBytes: 65_536,
    });
    expect(blockWindow(layout, { offsetBytes: 70_000, lengthBytes: 0 }).lengthBytes).toBe(0);
  });
});
