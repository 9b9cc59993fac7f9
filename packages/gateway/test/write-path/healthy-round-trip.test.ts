import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { KIB, MIB } from "@kakera/kernel";
import { collectingSink, createTestStore, patternBytes, sourceOf, underClock } from "../fakes/test-store.ts";

const never = new AbortController().signal;
const geometries = [
  { k: 1, m: 0 },
  { k: 1, m: 1 },
  { k: 2, m: 1 },
  { k: 2, m: 2 },
  { k: 4, m: 2 },
  { k: 6, m: 3 },
];
const sizes = [0, 1, 1024, 1025, 32 * KIB, 32 * KIB + 1, 300 * KIB + 7, 1 * MIB, 2 * MIB - 1, 5 * MIB + 333];

describe("a body on healthy drives", () => {
  for (const geometry of geometries) {
    for (const length of ["known", "unknown"] as const) {
      test(`comes back as it was with ${geometry.k}+${geometry.m}, its length ${length}`, async () => {
        const store = await createTestStore({ geometry });
        const freeBytes = store.freeMemoryBytes();
        for (const sizeBytes of sizes) {
          const bytes = patternBytes(sizeBytes, sizeBytes + 1);
          const body = await underClock(
            store.clock,
            store.bodies.write(sourceOf(bytes, { length }), store.owner, never),
          );
          expect(body.kind).toBe(sizeBytes <= 1024 ? "inline" : "chunks");
          expect(body.sizeBytes).toBe(sizeBytes);
          expect(body.md5).toEqual(createHash("md5").update(bytes).digest());
          expect(body.repair).toBeNull();
          const sink = collectingSink();
          const whole = { offsetBytes: 0, lengthBytes: sizeBytes };
          await underClock(store.clock, store.bodies.read([body], whole, sink, never));
          expect(sink.bytes().equals(bytes)).toBe(true);
        }
        expect(store.freeMemoryBytes()).toBe(freeBytes);
      });
    }
  }

  test("of several chunks comes back as it was, in parts of any range", async () => {
    const store = await createTestStore({ geometry: { k: 2, m: 1 } });
    const bytes = patternBytes(129 * MIB + 77);
    const body = await underClock(
      store.clock,
      store.bodies.write(sourceOf(bytes, { sliceBytes: MIB }), store.owner, never),
    );
    const ranges = [
      [0, 1],
      [64 * MIB - 1, 2],
      [128 * MIB - 5, 10],
      [63 * MIB, 3 * MIB],
      [129 * MIB, 77],
      [0, bytes.byteLength],
    ] as const;
    for (const [offsetBytes, lengthBytes] of ranges) {
      const sink = collectingSink();
      await underClock(store.clock, store.bodies.read([body], { offsetBytes, lengthBytes }, sink, never));
      expect(sink.bytes().equals(bytes.subarray(offsetBytes, offsetBytes + lengthBytes))).toBe(true);
    }
  });
});
