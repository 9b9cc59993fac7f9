import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ClusterFailure, KIB, type Geometry } from "@kakera/kernel";
import type { BodyRange, BytesAtHand, WrittenBody } from "../../src/bodies.ts";
import { createTestStore, patternBytes, sourceOf, underClock, type TestStore } from "../fakes/test-store.ts";

const never = new AbortController().signal;
const geometries: Geometry[] = [
  { k: 1, m: 1 },
  { k: 2, m: 1 },
  { k: 2, m: 2 },
  { k: 4, m: 2 },
];

async function stored(store: TestStore, bytes: Buffer): Promise<WrittenBody> {
  const body = await underClock(store.clock, store.bodies.write(sourceOf(bytes), store.owner, never));
  for (const drive of store.drives) drive.isCached = true;
  return body;
}

const whole = (body: WrittenBody): BodyRange => ({ offsetBytes: 0, lengthBytes: body.sizeBytes });

/** A copy of what is at hand, after which it is given back. */
function take(found: BytesAtHand | null): Buffer | null {
  if (found === null) return null;
  if (found.kind === "text") return Buffer.from(found.latin1, "latin1");
  const copy = Buffer.from(found.bytes);
  found.release();
  return copy;
}

describe("a body at hand", () => {
  it("is given without waiting, any range of it, and holds no memory afterwards", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...geometries),
        fc.integer({ min: 5 * KIB, max: 200 * KIB }),
        fc.nat(),
        fc.nat(),
        async (geometry, sizeBytes, from, length) => {
          const store = await createTestStore({ geometry });
          const freeBytes = store.freeMemoryBytes();
          const bytes = patternBytes(sizeBytes, sizeBytes);
          const body = await stored(store, bytes);
          const offsetBytes = from % sizeBytes;
          const range = { offsetBytes, lengthBytes: 1 + (length % (sizeBytes - offsetBytes)) };
          const found = take(store.bodies.readNow([body], range));
          // Of three or more shards the middle ones may be wanted without their neighbours: those go the other way.
          if (geometry.k <= 2 && range.lengthBytes === sizeBytes) expect(found).not.toBeNull();
          if (found !== null)
            expect(found.equals(bytes.subarray(offsetBytes, offsetBytes + range.lengthBytes))).toBe(true);
          expect(take(store.bodies.readNow([body], whole(body)))?.equals(bytes)).toBe(true);
          expect(store.freeMemoryBytes()).toBe(freeBytes);
        },
      ),
      { seed: 20261124, numRuns: 60 },
    );
  });

  it("is not given when a block of it is wrong, nor when a drive fails, nor what is not cached", async () => {
    for (const sizeBytes of [6 * KIB, 100 * KIB]) {
      const store = await createTestStore({ geometry: { k: 2, m: 1 } });
      const freeBytes = store.freeMemoryBytes();
      const body = await stored(store, patternBytes(sizeBytes, 3));
      for (const drive of store.drives) drive.fate = () => ({ kind: "corrupt" });
      expect(take(store.bodies.readNow([body], whole(body)))?.byteLength).toBeUndefined();
      const failure = new ClusterFailure("repair", "the record's head does not match");
      for (const drive of store.drives) drive.fate = () => ({ kind: "fail", failure });
      expect(take(store.bodies.readNow([body], whole(body)))?.byteLength).toBeUndefined();
      for (const drive of store.drives) {
        drive.fate = () => ({ kind: "ok" });
        drive.isCached = false;
      }
      expect(store.bodies.readNow([body], whole(body))).toBeNull();
      expect(store.freeMemoryBytes()).toBe(freeBytes);
    }
  });

  it("is given from memory from its third read on, whatever its drives do, any range of it", async () => {
    const store = await createTestStore({ geometry: { k: 2, m: 1 } });
    const [bytes, other] = [patternBytes(6 * KIB, 3), patternBytes(6 * KIB, 4)];
    const [body, readOnce] = [await stored(store, bytes), await stored(store, other)];
    expect(take(store.bodies.readNow([readOnce], whole(readOnce)))?.equals(other)).toBe(true);
    for (let time = 0; time < 2; time += 1) take(store.bodies.readNow([body], whole(body)));
    for (const drive of store.drives) drive.isCached = false;
    expect(take(store.bodies.readNow([body], whole(body)))?.equals(bytes)).toBe(true);
    const part = take(store.bodies.readNow([body], { offsetBytes: 5, lengthBytes: 2 * KIB }));
    expect(part?.equals(bytes.subarray(5, 5 + 2 * KIB))).toBe(true);
    expect(store.bodies.readNow([readOnce], whole(readOnce))).toBeNull();
  });

  it("of several bodies, or longer than one stripe, is for the read that waits", async () => {
    const store = await createTestStore({ geometry: { k: 2, m: 1 } });
    const body = await stored(store, patternBytes(20 * KIB, 1));
    const long = await stored(store, patternBytes(900 * KIB, 2));
    expect(store.bodies.readNow([body, body], { offsetBytes: 0, lengthBytes: 30 * KIB })).toBeNull();
    expect(store.bodies.readNow([long], whole(long))).toBeNull();
  });
});
