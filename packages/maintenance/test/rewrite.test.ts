import { ClusterFailure, idBytes, idFromBytes, KIB, newId, SECOND_MS, type DataId } from "@kakera/kernel";
import { createBodyCopier } from "@kakera/gateway";
import { keys, readObject, ranges, UnknownOutcome, type Change, type CommitLog } from "@kakera/metadata";
import { chooseHomes } from "@kakera/placement";
import { records, type PartEntryInput } from "@kakera/protocol";
import { describe, expect, test } from "vitest";
import type { BodyCopier } from "../src/ports/body-copier.ts";
import { bodiesNamedBy } from "../src/references/walk-references.ts";
import { measureOlderPools, rewritePools } from "../src/rewrite/rewrite-pools.ts";
import type { RewriteParts } from "../src/rewrite/rewrite-object.ts";
import {
  createTestCluster,
  maintenanceOf,
  patternBytes,
  shardsOf,
  shardsOn,
  type TestCluster,
} from "./kit/test-cluster.ts";

const never = new AbortController().signal;
const newGroups = 4;

async function clusterWithObjects(contents: ReadonlyMap<string, Buffer>): Promise<TestCluster> {
  const cluster = await createTestCluster({ geometry: { k: 1, m: 1 }, driveCount: 4 });
  for (const [key, bytes] of contents) await cluster.put(key, bytes);
  return cluster;
}

/** A second pool over the same drives, for what is written from now on. */
async function addPool(cluster: TestCluster, geometry: { readonly k: number; readonly m: number }): Promise<void> {
  const weights = cluster.drives.map(({ driveId }) => ({ driveId, domain: driveId, weight: 1 }));
  const groups = Array.from({ length: newGroups }, (_, group) => {
    const homes = chooseHomes(group, weights, geometry.k + geometry.m).map((home) =>
      home === null ? new Uint8Array() : idBytes(home),
    );
    return { key: keys.group(2, group), value: records.GroupRecord.encode({ epoch: 1, homes }).finish() };
  });
  const pool = records.PoolRecord.encode({ pool: 2, ...geometry, groupCount: newGroups }).finish();
  await cluster.commit(puts(cluster, [...groups, { key: keys.pool(2), value: pool }]));
}

function puts(cluster: TestCluster, rows: Change["puts"]): Change {
  const compares = rows.map(({ key }) => ({ key, revision: cluster.log.view.get(key)?.revision ?? 0 }));
  return { id: newId("change", cluster.parts.random), purpose: "write", compares, puts: rows, deletes: [] };
}

function rewrite(cluster: TestCluster, parts: Partial<RewriteParts> = {}) {
  const all: RewriteParts = { ...cluster.parts, copier: createBodyCopier(cluster.bodies), ...parts };
  return cluster.run(inOnePass(all));
}

async function inOnePass(parts: RewriteParts) {
  const foundBytes = await measureOlderPools(parts);
  let movedBytes = 0;
  await rewritePools(parts, (bytes) => (movedBytes += bytes), never);
  return { foundBytes, movedBytes };
}

function poolsOf({ log, bucketId }: TestCluster, key: string): number[] {
  const { record } = readObject(log.view, bucketId, Buffer.from(key))!;
  return bodiesNamedBy(log.view, record).map(({ pool }) => pool);
}

function garbageOf({ log }: TestCluster): DataId[] {
  const { from, to } = ranges.table("garbage");
  return log.view
    .range(from, to, 1_000)
    .flatMap(({ value }) => records.GarbageRecord.decode(value).bodies)
    .map(({ dataId }) => idFromBytes("data", dataId as Uint8Array));
}

const contents = new Map([
  ["small", patternBytes(5 * KIB, 1)],
  ["large", patternBytes(700 * KIB, 2)],
  ["other", patternBytes(300 * KIB, 3)],
]);

describe("maintenance of two pools", () => {
  test("writes what is in the old one anew, says how much is left, and deletes the originals", async () => {
    const cluster = await clusterWithObjects(contents);
    const settings = { lookIntervalMs: SECOND_MS, censusIntervalMs: 5 * SECOND_MS, garbageGraceMs: SECOND_MS };
    const maintenance = maintenanceOf(cluster, settings, (bug) => {
      throw bug;
    });
    maintenance.start();
    await addPool(cluster, { k: 2, m: 2 });
    const left = new Set<number>();
    for (let turn = 0; turn < 2_000; turn++) {
      cluster.clock.advance(200);
      await new Promise((resolve) => setImmediate(resolve));
      left.add(maintenance.report().rewriteBytes);
    }
    const rest = [1_005, 305, 5, 0].map((kib) => kib * KIB);
    expect([...left].filter((bytes) => !rest.includes(bytes))).toEqual([]);
    expect(left.has(0) && left.size > 1).toBe(true);
    expect([...contents.keys()].flatMap((key) => poolsOf(cluster, key))).toEqual([2, 2, 2]);
    const held = (await Promise.all(cluster.drives.map((drive) => shardsOn(drive)))).flat();
    expect(held.filter(({ identity }) => identity.pool === 1)).toEqual([]);
    expect(maintenance.report().census).toMatchObject({ chunkCount: 3, chunksByMissing: [3] });
    await maintenance.stop();
  });
});

describe("rewritePools()", () => {
  test("has nothing to do with one pool", async () => {
    const cluster = await clusterWithObjects(contents);
    expect(await rewrite(cluster)).toEqual({ foundBytes: 0, movedBytes: 0 });
  });

  test("gives every object the geometry of the new pool, and keeps its bytes and what clients see of it", async () => {
    const cluster = await clusterWithObjects(contents);
    const before = readObject(cluster.log.view, cluster.bucketId, Buffer.from("large"))!.record;
    await addPool(cluster, { k: 2, m: 2 });
    const { foundBytes, movedBytes } = await rewrite(cluster);
    expect(movedBytes).toBe(1_005 * KIB);
    expect(foundBytes).toBe(movedBytes);
    for (const [key, bytes] of contents) {
      expect(poolsOf(cluster, key)).toEqual([2]);
      expect((await cluster.read(key)).equals(bytes)).toBe(true);
    }
    const after = readObject(cluster.log.view, cluster.bucketId, Buffer.from("large"))!.record;
    const { body: _before, changeId: _idBefore, ...same } = before;
    expect(after).toMatchObject(same);
    const copy = idFromBytes("data", after.body!.dataId as Uint8Array);
    expect(await shardsOf(cluster, copy)).toHaveLength(4);
    expect(new Set(garbageOf(cluster)).size).toBe(3);
    expect(await rewrite(cluster)).toEqual({ foundBytes: 0, movedBytes: 0 });
  });

  test("moves some parts of a large table, and drops nothing that the object still names", async () => {
    const cluster = await clusterWithObjects(new Map());
    const partCount = 130;
    const parts: PartEntryInput[] = [];
    for (let number = 1; number <= partCount; number++) {
      const written = await cluster.write("many", patternBytes(1 * KIB, number));
      if (written.kind !== "chunks") throw new Error("the part is on drives");
      parts.push({ number, sizeBytes: written.sizeBytes, body: written.place });
      cluster.bodies.settle([written]);
    }
    const layoutId = newId("data", cluster.parts.random);
    const object = { ordinal: 1, sizeBytes: partCount * KIB, partCount, layoutId: idBytes(layoutId), layoutPieces: 1 };
    const key = keys.current(cluster.bucketId, Buffer.from("many"));
    await cluster.commit(
      puts(cluster, [
        { key, value: records.ObjectRecord.encode(object).finish() },
        { key: keys.layout(layoutId, 0), value: records.LayoutPiece.encode({ parts }).finish() },
      ]),
    );
    await addPool(cluster, { k: 2, m: 2 });
    let copied = 0;
    const copier = createBodyCopier(cluster.bodies);
    const failing: BodyCopier = {
      copy: (...asked) => {
        if (++copied === 101) return Promise.reject(new ClusterFailure("full", "no room"));
        return copier.copy(...asked);
      },
    };
    expect((await rewrite(cluster, { copier: failing })).movedBytes).toBe(0);
    expect(poolsOf(cluster, "many").filter((pool) => pool === 2)).toHaveLength(100);
    const named = new Set(
      bodiesNamedBy(cluster.log.view, readObject(cluster.log.view, cluster.bucketId, Buffer.from("many"))!.record).map(
        ({ dataId }) => dataId,
      ),
    );
    expect(named.size).toBe(partCount);
    expect(garbageOf(cluster).filter((dataId) => named.has(dataId))).toEqual([]);
    expect(cluster.log.view.get(keys.layout(layoutId, 0))).toBeNull();
    await rewrite(cluster);
    expect(new Set(poolsOf(cluster, "many"))).toEqual(new Set([2]));
    expect(garbageOf(cluster)).toHaveLength(partCount);
  });

  test("leaves an object to the client that writes it meanwhile, and frees its copy", async () => {
    const cluster = await clusterWithObjects(new Map([["a", contents.get("large")!]]));
    await addPool(cluster, { k: 2, m: 2 });
    const copier = createBodyCopier(cluster.bodies);
    let copy: DataId | null = null;
    const overtaken: BodyCopier = {
      copy: async (...asked) => {
        const copied = await copier.copy(...asked);
        copy = idFromBytes("data", copied.place.dataId as Uint8Array);
        const newer = await cluster.bodies.write(
          sourceOf(contents.get("other")!),
          { bucketId: cluster.bucketId, objectKey: Buffer.from("a"), inlineBytesMax: 0 },
          never,
        );
        if (newer.kind !== "chunks") throw new Error("the body is on drives");
        const key = keys.current(cluster.bucketId, Buffer.from("a"));
        const record = { ordinal: 2, sizeBytes: newer.sizeBytes, body: newer.place };
        await cluster.commit(puts(cluster, [{ key, value: records.ObjectRecord.encode(record).finish() }]));
        cluster.bodies.settle([newer]);
        return copied;
      },
    };
    expect((await rewrite(cluster, { copier: overtaken })).movedBytes).toBe(0);
    expect((await cluster.read("a")).equals(contents.get("other")!)).toBe(true);
    expect(await shardsOf(cluster, copy!)).toEqual([]);
  });

  test("frees nothing of a copy whose commit nobody knows the outcome of", async () => {
    const cluster = await clusterWithObjects(new Map([["a", contents.get("large")!]]));
    await addPool(cluster, { k: 2, m: 2 });
    const held = async () => (await Promise.all(cluster.drives.map((drive) => shardsOn(drive)))).flat().length;
    expect(await held()).toBe(2);
    const log = logOf(cluster, { commit: () => Promise.reject(new UnknownOutcome("nobody knows", { fate: "open" })) });
    await rewrite(cluster, { log });
    expect(await held()).toBe(6);
    expect(poolsOf(cluster, "a")).toEqual([1]);
    expect((await cluster.read("a")).equals(contents.get("large")!)).toBe(true);
  });

  test("does not commit under another session than the copy's", async () => {
    const cluster = await clusterWithObjects(new Map([["a", contents.get("large")!]]));
    await addPool(cluster, { k: 2, m: 2 });
    const log = logOf(cluster, { session: newId("session", cluster.parts.random) });
    expect((await rewrite(cluster, { log })).movedBytes).toBe(0);
    expect(poolsOf(cluster, "a")).toEqual([1]);
  });
});

/** The log with some of it otherwise. */
function logOf({ log }: TestCluster, otherwise: Partial<CommitLog>): CommitLog {
  return {
    session: log.session,
    view: log.view,
    operationsPerChangeMax: log.operationsPerChangeMax,
    commit: (change) => log.commit(change),
    barrier: () => log.barrier(),
    status: () => log.status(),
    close: () => log.close(),
    ...otherwise,
  };
}

function sourceOf(bytes: Buffer) {
  let isRead = false;
  return {
    sizeBytes: bytes.byteLength,
    pull: () => {
      const slice = isRead ? null : Buffer.from(bytes);
      isRead = true;
      return Promise.resolve(slice);
    },
  };
}
