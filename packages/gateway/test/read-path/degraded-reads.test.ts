import { describe, expect, test } from "vitest";
import { ClusterFailure, createSeededRandom, idBytes, KIB, MIB, newId } from "@kakera/kernel";
import { keys, ranges } from "@kakera/metadata";
import { records } from "@kakera/protocol";
import { afterwards, never, propertyTime, read, write } from "../fakes/degraded-kit.ts";
import type { MemoryShardDrive } from "../fakes/memory-shard-drive.ts";
import type { WrittenBody } from "../../src/bodies.ts";
import {
  collectingSink,
  createTestStore,
  patternBytes,
  sourceOf,
  underClock,
  type TestStore,
} from "../fakes/test-store.ts";
import {
  readsRightBytes,
  readsRightBytesOrFails,
  readsLongBodies,
  readsManyParts,
} from "./degraded-read-properties.ts";

describe("a read while drives misbehave", () => {
  test(
    "gives the right bytes of any range with up to m drives that fail, hang, come late or give wrong bytes",
    propertyTime,
    () => readsRightBytes({ numRuns: 8, seed: 1 }),
  );

  test("gives right bytes or a cluster failure with any number of them, never anything else", propertyTime, () =>
    readsRightBytesOrFails({ numRuns: 8, seed: 1 }),
  );

  test("of a long body from drives that are all slow at times is slow, and does not fail", propertyTime, () =>
    readsLongBodies({ numRuns: 2, seed: 1 }),
  );

  test("of many parts, each met by other slow drives, is slow, and does not fail", propertyTime, () =>
    readsManyParts({ numRuns: 1, seed: 1 }),
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

  test("asks again for a shard without which too few are left, while its drive may answer yet", async () => {
    const store = await createTestStore({ geometry: { k: 2, m: 1 } });
    const bytes = patternBytes(300 * KIB);
    const body = await write(store, bytes);
    const [lost, busy, gone] = store.drives as [MemoryShardDrive, MemoryShardDrive, MemoryShardDrive];
    lost.condition = "offline";
    let failures = 0;
    const failure = new ClusterFailure("retry", "the connection broke", { reason: "NODE_DOWN" });
    busy.fate = () => (failures++ < 3 ? { kind: "fail", failure } : { kind: "ok" });
    expect((await read(store, body)).equals(bytes)).toBe(true);
    // Its node is taken for away, and comes back.
    gone.condition = "offline";
    gone.awaySinceMs = store.clock.monotonicMs();
    store.clock.setTimer(4_000, () => (gone.condition = "online"));
    expect((await read(store, body)).equals(bytes)).toBe(true);
  });

  test("of too few shards is refused at once when no drive may bring another, and in time when one might have", async () => {
    const store = await createTestStore({ geometry: { k: 2, m: 1 } });
    const body = await write(store, patternBytes(300 * KIB));
    const [lost, other, third] = store.drives as [MemoryShardDrive, MemoryShardDrive, MemoryShardDrive];
    const refusedAfterMs = async (): Promise<number> => {
      const startedMs = store.clock.monotonicMs();
      await expect(read(store, body)).rejects.toMatchObject({ kind: "retry", reason: "SHARDS_SHORT" });
      return store.clock.monotonicMs() - startedMs;
    };
    lost.condition = "offline";
    other.condition = "offline";
    expect(await refusedAfterMs()).toBeLessThan(100);
    other.awaySinceMs = store.clock.monotonicMs() - 11_000;
    expect(await refusedAfterMs()).toBeLessThan(100);
    other.awaySinceMs = store.clock.monotonicMs() - 8_000;
    expect(await refusedAfterMs()).toBeGreaterThan(1_000);
    other.condition = "online";
    // It answers, and without the shard.
    other.shards.clear();
    expect(await refusedAfterMs()).toBeLessThan(100);
    third.fate = () => ({ kind: "corrupt" });
    expect(await refusedAfterMs()).toBeLessThan(100);
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

  test("goes on with shards on substitutes when the record, and with it the row that names them, is dropped meanwhile", async () => {
    const store = await createTestStore({ geometry: { k: 2, m: 1 }, driveCount: 4 });
    const hung = store.drives[0]!;
    hung.fate = () => ({ kind: "hang" });
    const bytes = patternBytes(24 * MIB);
    let body = await write(store, bytes);
    for (let attempt = 0; body.repair === null && attempt < 20; attempt++) body = await write(store, bytes);
    await store.commit(body);
    const { from, to } = ranges.table("repair");
    const [row] = store.log.view.range(from, to, 1);
    const slices: Buffer[] = [];
    const sink = {
      write: async (slice: Buffer): Promise<void> => {
        slices.push(Buffer.from(slice));
        if (slices.length > 1) return;
        const change = { id: newId("change", createSeededRandom(1)), compares: [], puts: [], deletes: [row!.key] };
        await store.log.commit({ ...change, purpose: "free" });
        // One of those that are at home: what is left is one more, and the substitute.
        store.drives.find(({ driveId, shards }) => driveId !== hung.driveId && shards.size > 0)!.condition = "offline";
      },
    };
    const range = { offsetBytes: 0, lengthBytes: bytes.byteLength };
    await underClock(store.clock, store.bodies.read([body], range, sink, never));
    expect(Buffer.concat(slices).equals(bytes)).toBe(true);
    await afterwards(store);
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

  test("sleeps while it waits for slow drives beside which there is no other to ask", async () => {
    const store = await createTestStore({ geometry: { k: 2, m: 1 } });
    const bytes = patternBytes(300 * KIB);
    const body = await write(store, bytes);
    const ofShard = (index: number) =>
      store.drives.find(({ shards }) => [...shards.values()][0]?.identity.shardIndex === index)!;
    const [first, second, parity] = [ofShard(0), ofShard(1), ofShard(2)];
    second.shards.clear();
    for (const slow of [first, parity]) slow.fate = () => ({ kind: "late", byMs: 3_000 });
    const delaysMs: number[] = [];
    const setTimer = store.clock.setTimer.bind(store.clock);
    store.clock.setTimer = (delayMs, callback) => {
      delaysMs.push(delayMs);
      return setTimer(delayMs, callback);
    };
    expect((await read(store, body)).equals(bytes)).toBe(true);
    expect(delaysMs.length).toBeGreaterThan(10);
    expect(delaysMs.filter((delayMs) => delayMs === 0).length).toBeLessThan(3);
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

  test("takes no part of the time of a drive that holds every read for 2 s, and no extra reads once that is known", async () => {
    const store = await createTestStore({ geometry: { k: 2, m: 1 }, driveCount: 6 });
    const bodies = await writeMany(store, 24);
    const held = store.drives[0]!;
    held.fate = (operation) => (operation === "read" ? { kind: "late", byMs: 2_000 } : { kind: "late", byMs: 1 });
    const readsMs: number[] = [];
    const readAll = async (rounds: number): Promise<void> => {
      for (let i = 0; i < rounds * bodies.length; i++) {
        const startMs = store.clock.monotonicMs();
        await read(store, bodies[i % bodies.length]!);
        readsMs.push(store.clock.monotonicMs() - startMs);
      }
    };
    await readAll(4);
    const [hedgesBefore, callsBefore] = [store.counters.get("kakera_hedged_reads_total") ?? 0, callsOf(store)];
    await readAll(12);
    expect(readsMs.filter((tookMs) => tookMs >= 1_000)).toEqual([]);
    const hedges = (store.counters.get("kakera_hedged_reads_total") ?? 0) - hedgesBefore;
    expect(hedges).toBeLessThanOrEqual((callsOf(store) - callsBefore) * 0.05);
    held.fate = () => ({ kind: "ok" });
    await afterwards(store, 5_000);
    const heldBefore = held.callCount;
    await readAll(2);
    // It is found well again by itself.
    expect(held.callCount).toBeGreaterThan(heldBefore + bodies.length / 4);
    await afterwards(store);
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

async function writeMany(store: TestStore, count: number): Promise<WrittenBody[]> {
  const bodies: WrittenBody[] = [];
  for (let i = 0; i < count; i++) bodies.push(await write(store, patternBytes(300 * KIB)));
  return bodies;
}

function callsOf(store: TestStore): number {
  return store.drives.reduce((sum, { callCount }) => sum + callCount, 0);
}
