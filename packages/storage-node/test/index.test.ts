import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { DiskError, newId, type DataId } from "@kakera/kernel";
import type { ShardRef } from "@kakera/rpc";
import { afterEach, describe, expect, it } from "vitest";
import { createMemoryStore, openLmdbStore, type OrderedStore } from "../src/index.ts";
import { IndexChange } from "../src/index/index-change.ts";
import { isTrustworthy, type GuardRecord } from "../src/drivers/index-guard.ts";
import { ShardIndex } from "../src/index/shard-index.ts";
import type { RecordEntry } from "../src/record/record-entry.ts";
import { random } from "./drive-kit.ts";

const folders: string[] = [];
afterEach(() => folders.splice(0).forEach((folder) => rmSync(folder, { recursive: true, force: true })));

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "kakera-index-"));
  folders.push(folder);
  return folder;
}

const lineage = "drive-1";
const key = (text: string): Buffer => Buffer.from(text);

describe.each([
  ["memory", createMemoryStore],
  ["LMDB", () => openLmdbStore({ directory: newFolder(), lineage, bootId: "boot" })],
])("an ordered store in %s", (_, create: () => OrderedStore | Promise<OrderedStore>) => {
  it("gives what was put, in order of the keys' bytes, within bounds and limit", async () => {
    const store = await create();
    store.transact((change) => {
      for (const name of ["b", "a", "ab", "a\xff", "c", "B"]) change.put(key(name), key(`value of ${name}`));
      change.put(Buffer.of(7), Buffer.alloc(0));
      change.delete(key("c"));
      expect(change.get(key("ab"))?.toString()).toContain("value of ab");
      expect(change.get(key("c"))).toBeUndefined();
    });
    const names = (from: string, until: string, limit = 100): string[] =>
      store.range(key(from), key(until), limit).map(([name]) => name.toString());
    expect(names("A", "z")).toEqual(["B", "a", "ab", "a\xff", "b"]);
    expect(names("a", "b")).toEqual(["a", "ab", "a\xff"]);
    expect(names("A", "z", 2)).toEqual(["B", "a"]);
    expect(store.range(Buffer.of(7), Buffer.of(8), 9)).toHaveLength(1);
    expect(store.get(key("nothing"))).toBeUndefined();
    await store.close();
  });

  it("undoes a transaction that throws", async () => {
    const store = await create();
    store.transact((change) => change.put(key("a"), key("1")));
    expect(() =>
      store.transact((change) => {
        change.put(key("a"), key("2"));
        change.put(key("b"), key("2"));
        throw new RangeError("no");
      }),
    ).toThrow();
    expect(store.get(key("a"))?.subarray(0, 1).toString()).toBe("1");
    expect(store.get(key("b"))).toBeUndefined();
    await store.close();
  });
});

describe("the index's guard", () => {
  const now = { bootId: "boot-1", lineage: "d", version: 1 };
  const record: GuardRecord = { ...now, standing: "in-use" };
  it.each<[string, GuardRecord | null, boolean]>([
    ["nothing is known", null, false],
    ["it was in use in this boot, and the process was killed", record, true],
    ["it was in use in another boot: power was lost", { ...record, bootId: "boot-0" }, false],
    ["it was in use in a boot of which the id is not known", { ...record, bootId: null }, false],
    ["it was closed clean in another boot", { ...record, bootId: "boot-0", standing: "clean" }, true],
    ["it was being opened, and LMDB may have taken the process along", { ...record, standing: "opening" }, false],
    ["it is of another drive", { ...record, lineage: "e", standing: "clean" }, false],
    ["it was written by another version", { ...record, version: 2, standing: "clean" }, false],
  ])("judges an index of which %s", (_, found, isKept) => {
    expect(isTrustworthy(found, now)).toBe(isKept);
  });

  it("judges nothing by a boot id that is not known now", () => {
    expect(isTrustworthy({ ...record, bootId: null }, { ...now, bootId: null })).toBe(false);
  });
});

describe("an LMDB store", () => {
  const putOne = (store: OrderedStore): void => store.transact((change) => change.put(key("a"), key("1")));

  it.each([
    ["is kept after a kill in the same boot", "boot", true],
    ["is made anew after a kill in another boot", "another boot", false],
  ])("%s", async (_, bootId, isKept) => {
    const directory = newFolder();
    putOne(await openLmdbStore({ directory, lineage, bootId: "boot" }));
    // Not closed: as the next process finds it.
    const copy = newFolder();
    cpSync(directory, copy, { recursive: true });
    const store = await openLmdbStore({ directory: copy, lineage, bootId });
    expect(store.get(key("a")) !== undefined).toBe(isKept);
    await store.close();
  });

  it("is kept after a clean close, whatever the boot", async () => {
    const directory = newFolder();
    const store = await openLmdbStore({ directory, lineage, bootId: "boot" });
    putOne(store);
    await store.close();
    const again = await openLmdbStore({ directory, lineage, bootId: "later" });
    expect(again.get(key("a"))).toBeDefined();
    await again.close();
  });

  it("is made anew when a clean close left other bytes than are there now", async () => {
    const directory = newFolder();
    const store = await openLmdbStore({ directory, lineage, bootId: "boot" });
    putOne(store);
    await store.close();
    const path = join(directory, "lmdb", "data.mdb");
    const bytes = readFileSync(path);
    bytes[bytes.byteLength - 100] = (bytes[bytes.byteLength - 100] as number) ^ 1;
    writeFileSync(path, bytes);
    const again = await openLmdbStore({ directory, lineage, bootId: "boot" });
    expect(again.get(key("a"))).toBeUndefined();
    await again.close();
  });

  it("makes nothing again when its folder went before it was closed", async () => {
    const directory = newFolder();
    const store = await openLmdbStore({ directory, lineage, bootId: "boot" });
    putOne(store);
    rmSync(directory, { recursive: true });
    await store.close();
    expect(existsSync(directory)).toBe(false);
  });
});

describe("the index of shards", () => {
  const refs = Array.from({ length: 3 }, (): ShardRef => ({
    group: 1,
    dataId: newId("data", random) as DataId,
    chunkIndex: 0,
    shardIndex: 0,
  }));

  /** Histories as a drive may write them: sequence numbers grow, a tombstone kills up to what came before it. */
  const history = fc
    .array(
      fc.record({
        ref: fc.nat(2),
        isTombstone: fc.boolean(),
        segment: fc.nat(2),
        copiedTo: fc.option(fc.integer({ min: 3, max: 5 })),
      }),
      { maxLength: 12 },
    )
    .map((steps) => {
      const found: { segmentId: number; entry: RecordEntry }[] = [];
      const last = new Map<number, number>();
      for (const [at, step] of steps.entries()) {
        const sequence = at + 1;
        const mark = step.isTombstone ? (last.get(step.ref) ?? 0) : 0;
        if (!step.isTombstone) last.set(step.ref, sequence);
        const entry: RecordEntry = {
          kind: step.isTombstone ? "tombstone" : "shard",
          ref: refs[step.ref]!,
          sequence,
          mark,
          offset: 4096 * sequence,
          headBytes: 144,
          payloadBytes: 10,
          chunkSizeBytes: 10,
          shardCount: 2,
        };
        found.push({ segmentId: step.segment, entry });
        if (step.copiedTo !== null)
          found.push({ segmentId: step.copiedTo, entry: { ...entry, offset: 8192 * sequence } });
      }
      return found;
    });

  const contentOf = (store: OrderedStore): string[] =>
    store
      .range(Buffer.of(1), Buffer.of(6), 1000)
      .map(([name, value]) => `${name.toString("hex")}=${value.toString("hex")}`);

  const applyAll = (found: readonly { segmentId: number; entry: RecordEntry }[]): OrderedStore => {
    const store = createMemoryStore();
    const index = new ShardIndex(store);
    for (const { segmentId, entry } of found)
      index.applyBatch({ segmentId, entries: [entry], nextSequence: entry.sequence + 1 });
    // What lists shards has all of them stored first.
    index.list(null, null, 1);
    return store;
  };

  it("is the same in whatever order, and however often, the records are applied", () => {
    fc.assert(
      fc.property(
        history.chain((found) => fc.tuple(fc.constant(found), fc.shuffledSubarray(found, { minLength: found.length }))),
        ([found, shuffled]) => {
          const wanted = contentOf(applyAll(found));
          expect(contentOf(applyAll(shuffled))).toEqual(wanted);
          expect(contentOf(applyAll([...shuffled, ...found]))).toEqual(wanted);
        },
      ),
      { numRuns: 500 },
    );
  });

  it("has the newest record of each shard, unless a tombstone kills up to it", () => {
    fc.assert(
      fc.property(history, (found) => {
        const index = new ShardIndex(applyAll(found));
        for (const ref of refs) {
          const own = found.filter(({ entry }) => entry.ref === ref);
          const newest = Math.max(0, ...own.map(({ entry }) => (entry.kind === "shard" ? entry.sequence : 0)));
          const killed = Math.max(0, ...own.map(({ entry }) => (entry.kind === "tombstone" ? entry.mark : 0)));
          expect(index.find(ref)?.sequence ?? null).toBe(newest > killed ? newest : null);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("applies tables, whatever the order of records in them, as it applies records one by one", () => {
    fc.assert(
      fc.property(
        history.chain((found) => fc.shuffledSubarray(found, { minLength: found.length })),
        (found) => {
          const whole = createMemoryStore();
          const index = new ShardIndex(whole);
          for (const segmentId of new Set(found.map((one) => one.segmentId))) {
            const entries = found.filter((one) => one.segmentId === segmentId).map(({ entry }) => entry);
            const nextSequence = Math.max(...entries.map((entry) => entry.sequence)) + 1;
            index.applyBatch({ segmentId, entries, nextSequence });
          }
          index.list(null, null, 1);
          expect(contentOf(whole)).toEqual(contentOf(applyAll(found)));
        },
      ),
      { numRuns: 1000 },
    );
  });

  it("finds the newest record, stored or not, and stores those that waited together, before anything else of them", () => {
    fc.assert(
      fc.property(
        history,
        fc.array(fc.constantFrom("find", "list", "seal", "count", "uses"), { maxLength: 6 }),
        (found, looks) => {
          const store = createMemoryStore();
          const index = new ShardIndex(store);
          const shadow = createMemoryStore();
          const eager = new ShardIndex(shadow);
          for (const [at, { segmentId, entry }] of found.entries()) {
            for (const one of [index, eager])
              one.applyBatch({ segmentId, entries: [entry], nextSequence: entry.sequence + 1 });
            eager.list(null, null, 1);
            const look = looks[at % (looks.length + 1)];
            if (look === "list") expect(index.list(null, null, 100)).toEqual(eager.list(null, null, 100));
            if (look === "uses") expect(index.uses()).toEqual(eager.uses());
            if (look === "count") expect(index.liveBytes(segmentId)).toBe(eager.liveBytes(segmentId));
            if (look === "seal")
              for (const one of [index, eager]) one.sealSegment(segmentId, { sizeBytes: 4096, recordBytes: 4096 });
            expect(refs.map((ref) => index.find(ref))).toEqual(refs.map((ref) => eager.find(ref)));
            expect(index.isLive(segmentId, entry)).toBe(eager.isLive(segmentId, entry));
          }
          index.list(null, null, 1);
          expect(contentOf(store)).toEqual(contentOf(shadow));
        },
      ),
      { numRuns: 500 },
    );
  });

  it("stores new records some hundred at a time", () => {
    const store = createMemoryStore();
    const index = new ShardIndex(store);
    const stored = (): number => store.range(Buffer.of(1), Buffer.of(2), 10_000).length;
    const seen = new Set<number>();
    for (let sequence = 1; sequence <= 1200; sequence++) {
      const ref = { group: 1, dataId: newId("data", random) as DataId, chunkIndex: 0, shardIndex: 0 };
      const place = { offset: 4096 * sequence, headBytes: 144, payloadBytes: 10, chunkSizeBytes: 10, shardCount: 2 };
      const entry: RecordEntry = { kind: "shard", ref, sequence, mark: 0, ...place };
      index.applyBatch({ segmentId: 1, entries: [entry], nextSequence: sequence + 1 });
      expect(index.find(ref)?.sequence).toBe(sequence);
      expect(index.state).toMatchObject({ nextSequence: sequence + 1, shardCount: sequence });
      seen.add(stored());
    }
    expect([...seen]).toEqual([0, 512, 1024]);
    expect(new ShardIndex(store).state).toMatchObject({ nextSequence: 1025, shardCount: 1024 });
  });

  it("keeps what waits when the store cannot take it, and stores it when it can", () => {
    const inner = createMemoryStore();
    let isFull = true;
    const store: OrderedStore = {
      get: (name) => inner.get(name),
      range: (from, until, limit) => inner.range(from, until, limit),
      transact(work) {
        if (isFull) throw new DiskError("ENOSPC", "index", "index");
        inner.transact(work);
      },
      close: () => inner.close(),
    };
    const index = new ShardIndex(store);
    const place = { offset: 4096, headBytes: 144, payloadBytes: 10, chunkSizeBytes: 10, shardCount: 2 };
    const entry: RecordEntry = { kind: "shard", ref: refs[0]!, sequence: 1, mark: 0, ...place };
    index.applyBatch({ segmentId: 1, entries: [entry], nextSequence: 2 });
    expect(() => index.list(null, null, 1)).toThrow(DiskError);
    expect(index.find(refs[0]!)?.sequence).toBe(1);
    isFull = false;
    expect(index.list(null, null, 10)).toEqual([refs[0]]);
  });

  it("never counts a segment's live bytes below nothing", () => {
    fc.assert(
      fc.property(history, (found) => {
        const index = new ShardIndex(applyAll(found));
        for (const use of index.uses().values()) expect(use.liveBytes).toBeGreaterThanOrEqual(0);
        const live = refs.filter((ref) => index.find(ref) !== null).length;
        expect(index.state.shardCount).toBe(live);
      }),
    );
  });

  it("knows how much of its sealed segments is dead, as one that is opened anew does", () => {
    fc.assert(
      fc.property(history, fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }), (found, gone) => {
        const store = applyAll(found);
        const index = new ShardIndex(store);
        const segmentIds = [...index.uses().keys()];
        for (const segmentId of segmentIds) {
          const recordBytes = index.liveBytes(segmentId) + 1000 * segmentId;
          index.sealSegment(segmentId, { sizeBytes: 4096 + recordBytes, recordBytes });
        }
        expect(index.deadBytes).toBe(segmentIds.reduce((sum, segmentId) => sum + 1000 * segmentId, 0));
        for (const [i, segmentId] of segmentIds.entries()) if (gone[i % 8]) index.dropSegment(segmentId);
        expect(index.deadBytes).toBe([...index.uses().keys()].reduce((sum, segmentId) => sum + 1000 * segmentId, 0));
        expect(new ShardIndex(store).deadBytes).toBe(index.deadBytes);
      }),
    );
  });

  it("does nothing when a change throws", () => {
    const store = createMemoryStore();
    const index = new ShardIndex(store);
    expect(() =>
      store.transact((change) => {
        new IndexChange(change, 1).applyShard(refs[0]!, { kind: "own-file", sequence: 1 });
        throw new RangeError("no");
      }),
    ).toThrow();
    expect(index.find(refs[0]!)).toBeNull();
  });
});
