import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ClusterFailure, idBytes, KIB, MIB, newId, type Geometry } from "@kakera/kernel";
import { keys } from "@kakera/metadata";
import { records } from "@kakera/protocol";
import type { BodyRange, WrittenBody } from "../../src/bodies.ts";
import { heal, inflict, readFault, someOf } from "../fakes/drive-fates.ts";
import {
  collectingSink,
  createTestStore,
  patternBytes,
  sourceOf,
  underClock,
  type TestStore,
} from "../fakes/test-store.ts";

const never = new AbortController().signal;
/** Properties share two cores with everything else that runs. */
const propertyTime = { timeout: 90_000 };
const geometries: Geometry[] = [
  { k: 1, m: 1 },
  { k: 2, m: 1 },
  { k: 2, m: 2 },
  { k: 4, m: 2 },
];
const sizes = [20 * KIB, 200 * KIB, 1 * MIB + 1, 9 * MIB + 1];

const write = (store: TestStore, bytes: Buffer): Promise<WrittenBody> =>
  underClock(store.clock, store.bodies.write(sourceOf(bytes), store.owner, never));

async function read(
  store: TestStore,
  body: WrittenBody,
  range: BodyRange = { offsetBytes: 0, lengthBytes: body.sizeBytes },
): Promise<Buffer> {
  const sink = collectingSink();
  await underClock(store.clock, store.bodies.read([body], range, sink, never), 10);
  return sink.bytes();
}

async function afterwards(store: TestStore, waitMs = 2_000): Promise<void> {
  heal(store.drives);
  await underClock(store.clock, new Promise<void>((resolve) => void store.clock.setTimer(waitMs, resolve)));
}

/** A memory that no other test of this file leaves anything in. */
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

describe("a read while drives misbehave", () => {
  test(
    "gives the right bytes of any range with up to m drives that fail, hang, come late or give wrong bytes",
    propertyTime,
    async () => {
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
        { numRuns: 30 },
      );
    },
  );

  test(
    "gives right bytes or a cluster failure with any number of them, never anything else",
    propertyTime,
    async () => {
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
        { numRuns: 30 },
      );
    },
  );

  test("queues a damaged shard and a missing one for repair, and serves the others", async () => {
    const store = await createTestStore({ geometry: { k: 2, m: 2 } });
    const bytes = patternBytes(300 * KIB);
    const body = await write(store, bytes);
    const holder = (shardIndex: number) =>
      store.drives.find(({ shards }) =>
        [...shards.values()].some(({ identity }) => identity.shardIndex === shardIndex),
      )!;
    const [damaged, missing] = [holder(0), holder(1)];
    [...damaged.shards.values()][0]!.payload[1000]! ^= 1;
    missing.shards.clear();
    expect((await read(store, body)).equals(bytes)).toBe(true);
    const found = store.findings.map(({ driveId, why, ref }) => `${ref.shardIndex} ${why} ${driveId}`);
    expect(new Set(found)).toEqual(new Set([`0 damaged ${damaged.driveId}`, `1 missing ${missing.driveId}`]));
  });

  test("finds shards on substitutes: what was written past a hung drive survives the loss of any m others", async () => {
    for (const sizeBytes of [20 * KIB, 300 * KIB, 9 * MIB]) {
      const store = await createTestStore({ geometry: { k: 2, m: 1 }, driveCount: 4 });
      const hung = store.drives[0]!;
      hung.fate = () => ({ kind: "hang" });
      const bytes = patternBytes(sizeBytes);
      let body = await write(store, bytes);
      for (let attempt = 0; body.repair === null && attempt < 20; attempt++) body = await write(store, bytes);
      await store.commit(body);
      const holders = store.drives.slice(1);
      for (const lost of holders) {
        lost.condition = "offline";
        expect((await read(store, body)).equals(bytes)).toBe(true);
        lost.condition = "online";
      }
      await afterwards(store);
    }
  });

  test("races a hung drive after a while without failing, and counts it", async () => {
    const store = await createTestStore({ geometry: { k: 2, m: 1 } });
    const bytes = patternBytes(300 * KIB);
    const body = await write(store, bytes);
    store.drives.find(({ shards }) => [...shards.values()][0]?.identity.shardIndex === 0)!.fate = () => ({
      kind: "hang",
    });
    const startMs = store.clock.monotonicMs();
    expect((await read(store, body)).equals(bytes)).toBe(true);
    expect(store.clock.monotonicMs() - startMs).toBeLessThan(200);
    expect(store.counters.get("kakera_hedged_reads_total")).toBe(1);
    await afterwards(store);
  });

  test("does not ask a suspect drive when others can serve", async () => {
    const store = await createTestStore({ geometry: { k: 2, m: 1 } });
    const bytes = patternBytes(300 * KIB);
    const body = await write(store, bytes);
    const suspect = store.drives.find(({ shards }) => [...shards.values()][0]?.identity.shardIndex === 0)!;
    suspect.condition = "suspect";
    const calls = suspect.callCount;
    expect((await read(store, body)).equals(bytes)).toBe(true);
    expect(suspect.callCount).toBe(calls);
    expect(store.counters.get("kakera_hedged_reads_total")).toBeUndefined();
  });

  test("makes few extra reads when every drive is slow at times", async () => {
    const store = await createTestStore({ geometry: { k: 2, m: 2 } });
    const body = await write(store, patternBytes(300 * KIB));
    let calls = 0;
    for (const drive of store.drives) drive.fate = () => ({ kind: "late", byMs: calls++ % 3 === 0 ? 200 : 1 });
    const before = store.drives.reduce((sum, { callCount }) => sum + callCount, 0);
    for (let i = 0; i < 300; i++) await read(store, body);
    const reads = store.drives.reduce((sum, { callCount }) => sum + callCount, 0) - before;
    // A burst of 32, and 5 % of what was read.
    expect(store.counters.get("kakera_hedged_reads_total") ?? 0).toBeLessThanOrEqual(32 + reads * 0.05 + 1);
    expect(store.counters.get("kakera_hedged_reads_total") ?? 0).toBeGreaterThan(0);
    await afterwards(store);
  });

  test("of a long body from drives that are all slow at times is slow, and does not fail", propertyTime, async () => {
    const delaysMs = fc.array(fc.constantFrom(0, 0, 60, 300, 1_200, 4_000), { minLength: 1, maxLength: 7 });
    const slowGeometries = fc.constantFrom<Geometry>({ k: 1, m: 1 }, { k: 2, m: 2 }, { k: 3, m: 1 });
    await fc.assert(
      fc.asyncProperty(delaysMs, slowGeometries, async (pattern, geometry) => {
        const store = await createTestStore({ geometry, memoryBytes: ownMemoryBytes });
        const bytes = patternBytes(16 * MIB);
        const body = await write(store, bytes);
        let calls = 0;
        for (const drive of store.drives)
          drive.fate = () => ({ kind: "late", byMs: pattern[calls++ % pattern.length]! });
        const sink = collectingSink();
        const whole = { offsetBytes: 0, lengthBytes: body.sizeBytes };
        await underClock(store.clock, store.bodies.read([body], whole, sink, never), 100);
        expect(sink.bytes().equals(bytes)).toBe(true);
        await untilAllIsFree(store);
      }),
      { numRuns: 8 },
    );
  });

  test("of many parts, each met by other slow drives, is slow, and does not fail", propertyTime, async () => {
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
        for (const [index, drive] of store.drives.entries())
          drive.fate = () => ({ kind: "late", byMs: delays[index]! });
        const sink = collectingSink();
        const range = { offsetBytes: 1, lengthBytes: 30 * MIB - 2 };
        await underClock(store.clock, store.bodies.read(bodies, range, sink, never), 100);
        expect(sink.bytes().equals(Buffer.concat(contents).subarray(1, -1))).toBe(true);
        await untilAllIsFree(store);
      }),
      {
        numRuns: 5,
        // This one needs more memory than the request has, unless it waits for what slow drives still fill.
        examples: [[[4_000, 4_000, 9_000, 300, 300, 0, 0, 0, 0, 0, 0, 1_200], 10]],
      },
    );
  });

  test("starts over when the group's homes change under it, and finds the shards where they went", async () => {
    const store = await createTestStore({ geometry: { k: 2, m: 1 }, driveCount: 4 });
    const bytes = patternBytes(300 * KIB);
    const body = await write(store, bytes);
    const [, shard] = store.drives.flatMap(({ shards }) => [...shards])[0]!;
    const { group } = shard.identity;
    // All shards move to other drives: homes in turn, as a mover would leave them, while the reader holds the old record.
    const movedTo = store.drives.map((_, i) => store.drives[(i + 1) % 4]!);
    const contents = store.drives.map(({ shards }) => new Map(shards));
    const barrier = store.log.barrier.bind(store.log);
    store.log.barrier = async () => {
      const key = keys.group(1, group);
      const entry = store.log.view.get(key)!;
      const record = records.GroupRecord.decode(entry.value);
      const after = record.homes.map((home) =>
        idBytes(movedTo[store.drives.findIndex(({ driveId }) => idBytes(driveId).equals(home))]!.driveId),
      );
      const value = records.GroupRecord.encode({ epoch: 2, homes: after }).finish();
      await store.log.commit({
        id: newId("change", { bytes: () => new Uint8Array(16).fill(7), fraction: () => 0 }),
        purpose: "write",
        compares: [{ key, revision: entry.revision }],
        puts: [{ key, value }],
        deletes: [],
      });
      store.log.barrier = barrier;
      return barrier();
    };
    for (const [i, drive] of store.drives.entries()) {
      drive.shards.clear();
      for (const [name, moved] of contents[(i + 3) % 4]!) drive.shards.set(name, moved);
    }
    expect((await read(store, body)).equals(bytes)).toBe(true);
  });

  test("sends nothing and fails at once when the shards are not there, rather than say that the object is not", async () => {
    const store = await createTestStore({ geometry: { k: 2, m: 1 } });
    const body = await write(store, patternBytes(300 * KIB));
    for (const drive of store.drives.slice(0, 2)) drive.shards.clear();
    const sink = collectingSink();
    await expect(store.bodies.read([body], { offsetBytes: 0, lengthBytes: 10 }, sink, never)).rejects.toMatchObject({
      kind: "retry",
      reason: "SHARDS_SHORT",
    });
    expect(sink.bytes().byteLength).toBe(0);
    await afterwards(store);
  });
});

describe("a read whose client", () => {
  test("goes away is stopped, and gives its memory back", async () => {
    const store = await createTestStore({ geometry: { k: 2, m: 1 } });
    const freeBytes = store.freeMemoryBytes();
    const body = await write(store, patternBytes(9 * MIB));
    const client = new AbortController();
    let writes = 0;
    const sink = {
      write: async (): Promise<void> => {
        if (++writes === 3) client.abort(new Error("client gone"));
      },
    };
    const whole = { offsetBytes: 0, lengthBytes: body.sizeBytes };
    await expect(underClock(store.clock, store.bodies.read([body], whole, sink, client.signal))).rejects.toThrow(
      "client gone",
    );
    await afterwards(store);
    expect(store.freeMemoryBytes()).toBe(freeBytes);
  });

  test("breaks the socket within a body is stopped by what the sink says", async () => {
    const store = await createTestStore({ geometry: { k: 2, m: 1 } });
    const freeBytes = store.freeMemoryBytes();
    const body = await write(store, patternBytes(9 * MIB));
    const broken = new Error("socket closed");
    const sink = { write: () => Promise.reject(broken) };
    const whole = { offsetBytes: 0, lengthBytes: body.sizeBytes };
    await expect(underClock(store.clock, store.bodies.read([body], whole, sink, never))).rejects.toBe(broken);
    await afterwards(store);
    expect(store.freeMemoryBytes()).toBe(freeBytes);
  });
});

describe("many requests at once", () => {
  test("get through a memory that holds few of them, each with its own bytes", async () => {
    const store = await createTestStore({ geometry: { k: 2, m: 1 }, memoryBytes: 24 * MIB });
    const freeBytes = store.freeMemoryBytes();
    const bodies = Array.from({ length: 12 }, (_, i) => patternBytes([200 * KIB, 9 * MIB][i % 2]! + i, i));
    const written = await underClock(
      store.clock,
      Promise.all(bodies.map((bytes) => store.bodies.write(sourceOf(bytes), store.owner, never))),
    );
    const sinks = bodies.map(() => collectingSink());
    await underClock(
      store.clock,
      Promise.all(
        written.map((body, i) =>
          store.bodies.read([body], { offsetBytes: 0, lengthBytes: body.sizeBytes }, sinks[i]!, never),
        ),
      ),
    );
    for (const [i, bytes] of bodies.entries()) expect(sinks[i]!.bytes().equals(bytes)).toBe(true);
    expect(store.freeMemoryBytes()).toBe(freeBytes);
  });
});
