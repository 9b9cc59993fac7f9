import fc from "fast-check";
import { expect } from "vitest";
import { ClusterFailure, KIB, MIB, type Geometry } from "@kakera/kernel";
import type { BodyRange, WrittenBody } from "../../src/bodies.ts";
import { inflict, readFault, someOf } from "../fakes/drive-fates.ts";
import { afterwards, geometries, never, read, write, type PropertyRuns } from "../fakes/degraded-kit.ts";
import { collectingSink, createTestStore, patternBytes, underClock, type TestStore } from "../fakes/test-store.ts";

const sizes = [20 * KIB, 200 * KIB, 1 * MIB + 1, 9 * MIB + 1];
/** A memory that no other test leaves anything in. */
const ownMemoryBytes = 97 * MIB;

/** Slow drives end what they began, and then nothing of the memory is held. */
async function untilAllIsFree(store: TestStore): Promise<void> {
  for (let i = 0; i < 20 && store.freeMemoryBytes() < ownMemoryBytes; i++) await afterwards(store, 1_000);
  expect(store.freeMemoryBytes()).toBe(ownMemoryBytes);
}

const anyRange = fc.record({ from: fc.nat(), length: fc.nat() });
const cut = (sizeBytes: number, { from, length }: { from: number; length: number }): BodyRange => {
  const offsetBytes = from % sizeBytes;
  return { offsetBytes, lengthBytes: 1 + (length % (sizeBytes - offsetBytes)) };
};

/** Up to m drives fail, hang, come late or give wrong bytes: every range has its right bytes. */
export async function readsRightBytes(runs: PropertyRuns): Promise<void> {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...geometries),
      fc.constantFrom(...sizes),
      anyRange,
      fc.boolean(),
      fc.nat(1000),
      fc.gen(),
      async (geometry, sizeBytes, where, isCached, seed, gen) => {
        const store = await createTestStore({ geometry, seed });
        const freeBytes = store.freeMemoryBytes();
        const bytes = patternBytes(sizeBytes, seed);
        const body = await write(store, bytes);
        for (const index of gen(someOf, store.drives.length, geometry.m))
          inflict(
            store.drives[index]!,
            gen(() => readFault),
          );
        for (const drive of store.drives) drive.isCached = isCached && gen(fc.boolean);
        const range = cut(sizeBytes, where);
        const expected = bytes.subarray(range.offsetBytes, range.offsetBytes + range.lengthBytes);
        expect((await read(store, body, range)).equals(expected)).toBe(true);
        // Again, several at once and slowly, while reads of the first may still hang on their memory.
        const sinks = [20, 45, 90].map((delayMs) => collectingSink({ clock: store.clock, delayMs }));
        const whole = { offsetBytes: 0, lengthBytes: sizeBytes };
        await underClock(
          store.clock,
          Promise.all(sinks.map((sink) => store.bodies.read([body], whole, sink, never))),
          10,
        );
        for (const sink of sinks) expect(sink.bytes().equals(bytes)).toBe(true);
        await afterwards(store);
        expect(store.freeMemoryBytes()).toBe(freeBytes);
      },
    ),
    runs,
  );
}

/** Any number of drives does: right bytes or a cluster failure, never anything else. */
export async function readsRightBytesOrFails(runs: PropertyRuns): Promise<void> {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...geometries),
      fc.constantFrom(...sizes),
      anyRange,
      fc.nat(1000),
      fc.gen(),
      async (geometry, sizeBytes, where, seed, gen) => {
        const store = await createTestStore({ geometry, seed });
        const freeBytes = store.freeMemoryBytes();
        const bytes = patternBytes(sizeBytes, seed);
        const body = await write(store, bytes);
        for (const index of gen(someOf, store.drives.length, store.drives.length))
          inflict(
            store.drives[index]!,
            gen(() => readFault),
          );
        const range = cut(sizeBytes, where);
        const sink = collectingSink();
        const failure = await underClock(store.clock, store.bodies.read([body], range, sink, never), 100).catch(
          (thrown: unknown) => thrown,
        );
        const expected = bytes.subarray(range.offsetBytes, range.offsetBytes + range.lengthBytes);
        const sent = sink.bytes();
        if (failure === undefined) expect(sent.equals(expected)).toBe(true);
        else {
          expect(failure).toBeInstanceOf(ClusterFailure);
          expect(failure).toMatchObject({ kind: "retry", reason: "SHARDS_SHORT" });
          expect(sent.equals(expected.subarray(0, sent.byteLength))).toBe(true);
        }
        await afterwards(store);
        expect(store.freeMemoryBytes()).toBe(freeBytes);
      },
    ),
    runs,
  );
}

/** A long body from drives that are all slow at times is slow, and does not fail. */
export async function readsLongBodies(runs: PropertyRuns): Promise<void> {
  const delaysMs = fc.array(fc.constantFrom(0, 0, 60, 300, 1_200, 4_000), { minLength: 1, maxLength: 7 });
  const slowGeometries = fc.constantFrom<Geometry>({ k: 1, m: 1 }, { k: 2, m: 2 }, { k: 3, m: 1 });
  await fc.assert(
    fc.asyncProperty(delaysMs, slowGeometries, async (pattern, geometry) => {
      const store = await createTestStore({ geometry, memoryBytes: ownMemoryBytes });
      const bytes = patternBytes(16 * MIB);
      const body = await write(store, bytes);
      let calls = 0;
      for (const drive of store.drives) drive.fate = () => ({ kind: "late", byMs: pattern[calls++ % pattern.length]! });
      const sink = collectingSink();
      const whole = { offsetBytes: 0, lengthBytes: body.sizeBytes };
      await underClock(store.clock, store.bodies.read([body], whole, sink, never), 100);
      expect(sink.bytes().equals(bytes)).toBe(true);
      await untilAllIsFree(store);
    }),
    runs,
  );
}

/** Many parts, each met by other slow drives, are slow, and do not fail. */
export async function readsManyParts(runs: PropertyRuns): Promise<void> {
  const delaysMs = fc.array(fc.constantFrom(0, 300, 1_200, 4_000, 9_000), { minLength: 12, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(delaysMs, fc.nat(99), async (delays, seed) => {
      const store = await createTestStore({
        geometry: { k: 2, m: 2 },
        driveCount: 12,
        seed,
        memoryBytes: ownMemoryBytes,
      });
      const contents = Array.from({ length: 10 }, (_, i) => patternBytes(3 * MIB, i));
      const bodies: WrittenBody[] = [];
      for (const bytes of contents) bodies.push(await write(store, bytes));
      for (const [index, drive] of store.drives.entries()) drive.fate = () => ({ kind: "late", byMs: delays[index]! });
      const sink = collectingSink();
      const range = { offsetBytes: 1, lengthBytes: 30 * MIB - 2 };
      await underClock(store.clock, store.bodies.read(bodies, range, sink, never), 100);
      expect(sink.bytes().equals(Buffer.concat(contents).subarray(1, -1))).toBe(true);
      await untilAllIsFree(store);
    }),
    {
      ...runs,
      // This one needs more memory than the request has, unless it waits for what slow drives still fill.
      examples: [[[4_000, 4_000, 9_000, 300, 300, 0, 0, 0, 0, 0, 0, 1_200], 10]],
    },
  );
}
