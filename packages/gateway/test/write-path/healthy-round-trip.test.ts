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
});
