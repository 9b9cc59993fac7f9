import { describe, expect, test } from "vitest";
import { KIB, MIB } from "@kakera/kernel";
import { noCensus, publishCensus } from "../src/census/census-report.ts";
import { judgeChunk } from "../src/census/judge-chunk.ts";
import { takeCensus } from "../src/census/take-census.ts";
import { takeBack } from "../src/drives/take-back.ts";
import { repairOnce } from "../src/repair/run-repairs.ts";
import {
  createTestCluster,
  patternBytes,
  putChange,
  shardsOf,
  shardsOn,
  type TestCluster,
} from "./kit/test-cluster.ts";

const everything = { covers: () => true };
const count = (cluster: TestCluster, chunksPerPass?: number) =>
  cluster.run(takeCensus(cluster.parts, chunksPerPass === undefined ? everything : { ...everything, chunksPerPass }));

async function filled(geometry = { k: 2, m: 2 }, driveCount?: number): Promise<TestCluster> {
  const cluster = await createTestCluster({ geometry, ...(driveCount === undefined ? {} : { driveCount }) });
  for (let i = 0; i < 12; i++) await cluster.put(`k${i}`, patternBytes([20 * KIB, 200 * KIB, 300 * KIB][i % 3]!, i));
  await cluster.put("long", patternBytes(5 * MIB, 99));
  return cluster;
}

describe("a census", () => {
  test("proves that every chunk is complete, and says when", async () => {
    const cluster = await filled();
    const { report, orphansRemoved, groupsInOrder } = await count(cluster);
    expect(report).toMatchObject({ chunkCount: 13, chunksByMissing: [13], lostCount: 0 });
    expect(report!.provenMs).toBeGreaterThanOrEqual(report!.startedMs!);
    expect([orphansRemoved, groupsInOrder.length, cluster.parts.backlog.waitingCount]).toEqual([0, 8, 0]);
  });

  test("counts chunks by what they lack, whatever many walks it takes, and queues them, the weakest that can be mended first", async () => {
    for (const chunksPerPass of [1_000, 3, 1]) {
      const cluster = await filled();
      const ids = await Promise.all(
        [0, 1, 2].map(async (i) => shardsOf(cluster, await cluster.put(`x${i}`, patternBytes(300 * KIB, 50 + i)))),
      );
      for (const [i, shards] of ids.entries()) {
        for (const { driveIndex, ref } of shards.slice(0, i + 1)) await cluster.drives[driveIndex]!.drive.remove([ref]);
      }
      const { report, groupsInOrder } = await count(cluster, chunksPerPass);
      expect(report).toMatchObject({ chunkCount: 16, chunksByMissing: [13, 1, 1, 1], lostCount: 1 });
      expect(groupsInOrder.length).toBeLessThan(8);
      expect(cluster.parts.backlog.waitingCount).toBe(3);
      expect(cluster.parts.backlog.next()).toMatchObject({
        dataId: ids[1]![0]!.ref.dataId,
        spareShards: 0,
        owner: { bucketId: cluster.bucketId },
      });
    }
  });

  test("sees what a drive that is away holds as missing, and proves nothing when one goes on the way", async () => {
    const cluster = await filled();
    cluster.drives[0]!.isAway = true;
    const { report } = await count(cluster);
    const { length } = await shardsOn(cluster.drives[0]!);
    expect(report!.chunksByMissing).toEqual([13 - length, length]);
    const counting = takeCensus(cluster.parts, everything);
    cluster.drives[0]!.isAway = false;
    expect((await cluster.run(counting)).report).toBeNull();
  });

  test("does not count what was dropped while it counted as missing", async () => {
    const cluster = await filled();
    const { inventory } = cluster.drives[0]!;
    let isDropped = false;
    cluster.drives[0]!.inventory = async (page) => {
      if (!isDropped) {
        isDropped = true;
        const shards = await shardsOf(cluster, (await shardsOn(cluster.drives[1]!))[0]!.identity.dataId);
        const owner = Buffer.from(
          (await cluster.drives[shards[0]!.driveIndex]!.drive.describe(shards[0]!.ref))!.identity.ownerKey,
        ).toString();
        await cluster.remove(owner);
        for (const { driveIndex, ref } of shards) await cluster.drives[driveIndex]!.drive.remove([ref]);
      }
      return inventory(page);
    };
    const { report } = await count(cluster);
    expect(report).toMatchObject({ chunkCount: 12, chunksByMissing: [12], lostCount: 0 });
    expect(cluster.parts.backlog.waitingCount).toBe(0);
  });

  test("sees a shard on its substitute as there, and still brings it home", async () => {
    const cluster = await createTestCluster({ geometry: { k: 2, m: 1 }, driveCount: 4 });
    cluster.drives[0]!.isAway = true;
    for (let i = 0; i < 8; i++) await cluster.put(`k${i}`, patternBytes(300 * KIB, i));
    cluster.drives[0]!.isAway = false;
    const { report } = await count(cluster);
    expect(report).toMatchObject({ chunksByMissing: [8], lostCount: 0 });
    expect(cluster.parts.backlog.waitingCount).toBeGreaterThan(0);
  });

  test("counts what lies doubled up on surviving drives as short until repair has brought it home", async () => {
    const cluster = await createTestCluster({ geometry: { k: 4, m: 2 } });
    for (const drive of cluster.drives.slice(0, 2)) drive.isAway = true;
    const bytes = patternBytes(300 * KIB, 7);
    const dataId = await cluster.put("doubled", bytes);
    const drivesOf = async (): Promise<number> =>
      new Set((await shardsOf(cluster, dataId)).map(({ driveIndex }) => driveIndex)).size;
    expect([(await shardsOf(cluster, dataId)).length, await drivesOf()]).toEqual([6, 4]);
    for (const drive of cluster.drives.slice(0, 2)) drive.isAway = false;
    expect((await count(cluster)).report).toMatchObject({ chunksByMissing: [0, 1], lostCount: 0 });
    expect(cluster.parts.backlog.next()?.spareShards).toBe(1);
    for (const { driveId } of cluster.drives.slice(0, 2)) await cluster.run(takeBack(cluster.parts, driveId));
    expect(await cluster.run(repairOnce(cluster.parts, cluster.parts.backlog.next()!))).toBe("whole");
    expect([(await shardsOf(cluster, dataId)).length, await drivesOf()]).toEqual([6, 6]);
    expect((await count(cluster)).report).toMatchObject({ chunksByMissing: [1], lostCount: 0 });
    for (const drive of cluster.drives.slice(2, 4)) drive.isAway = true;
    expect(await cluster.read("doubled")).toEqual(bytes);
  });

  test("publishes its counts under the contract's names, and zero for what there is no more", () => {
    const gauges = new Map<string, number>();
    const gauge = (name: string) => ({
      set: (value: number, labels?: Readonly<Record<string, string>>) =>
        void gauges.set(`${name} ${labels?.missing ?? ""}`, value),
    });
    const metrics = { censusChunks: gauge("chunks"), censusProof: gauge("proof") } as never;
    const report = { ...noCensus, provenMs: 5_000, chunkCount: 3, chunksByMissing: [3], lostCount: 0 };
    publishCensus(metrics, report, { ...noCensus, chunksByMissing: [1, 2] });
    expect([...gauges]).toEqual([
      ["chunks 0", 3],
      ["chunks 1", 0],
      ["proof ", 5],
    ]);
  });
});

describe("judgeChunk()", () => {
  const homes = ["a", "b", "c"] as never;
  const domainOf = (driveId: string): string => driveId;

  test("counts a shard as found at its home or where a reader looks, and nowhere else", () => {
    const held = [
      { shardIndex: 0, driveId: "a" },
      { shardIndex: 1, driveId: "x" },
      { shardIndex: 2, driveId: "y" },
    ] as never;
    const verdict = judgeChunk({ k: 2, homes, isFindable: (_index, driveId) => driveId === "x", domainOf }, held);
    expect(verdict).toMatchObject({ missing: 1, spareShards: 0, isLost: false, isInOrder: false });
    expect(verdict.strays).toHaveLength(2);
  });

  test("counts a chunk two of whose shards go with one drive, or with one domain, as one that lacks a shard", () => {
    const held = [
      { shardIndex: 0, driveId: "a" },
      { shardIndex: 1, driveId: "b" },
      { shardIndex: 2, driveId: "b" },
    ] as never;
    const places = { k: 2, homes, isFindable: () => true };
    expect(judgeChunk({ ...places, domainOf }, held)).toMatchObject({ missing: 1, spareShards: 0, isInOrder: false });
    const inOne = [{ shardIndex: 2, driveId: "x" }, ...(held as unknown[]).slice(0, 2)] as never;
    expect(judgeChunk({ ...places, domainOf }, inOne)).toMatchObject({ missing: 0, spareShards: 1 });
    const sharesWithB = (driveId: string): string => (driveId === "x" ? "b" : driveId);
    expect(judgeChunk({ ...places, domainOf: sharesWithB }, inOne)).toMatchObject({ missing: 1, spareShards: 0 });
  });
});

describe("orphans", () => {
  test("of a write that was given up and could not be removed are removed, and nothing else is", async () => {
    const cluster = await filled();
    const before = await Promise.all(cluster.drives.map(async (drive) => (await shardsOn(drive)).length));
    const body = await cluster.write("never", patternBytes(300 * KIB, 1));
    for (const drive of cluster.drives.slice(0, 2)) drive.isAway = true;
    await cluster.run(cluster.bodies.discard([body]));
    for (const drive of cluster.drives) drive.isAway = false;
    expect((await count(cluster)).orphansRemoved).toBe(2);
    expect(await Promise.all(cluster.drives.map(async (drive) => (await shardsOn(drive)).length))).toEqual(before);
    expect(cluster.counters.get("kakera_orphan_shards_removed_total")).toBe(2);
  });

  test("are none while their write may still be committed, and none once it was", async () => {
    const cluster = await filled();
    const body = await cluster.write("late", patternBytes(300 * KIB, 1));
    expect((await count(cluster)).orphansRemoved).toBe(0);
    await cluster.commit(putChange(cluster, "late", body));
    expect((await count(cluster)).orphansRemoved).toBe(0);
    cluster.bodies.settle([body]);
    expect((await count(cluster)).orphansRemoved).toBe(0);
    expect((await cluster.read("late")).equals(patternBytes(300 * KIB, 1))).toBe(true);
  });

  test("of a session that is gone are removed whatever their number", async () => {
    const cluster = await filled();
    await cluster.write("never", patternBytes(300 * KIB, 1));
    expect((await count(cluster)).orphansRemoved).toBe(0);
    const later = { ...cluster.parts, sessions: { floorOf: () => Infinity } };
    expect((await cluster.run(takeCensus(later, everything))).orphansRemoved).toBe(4);
    expect((await count(cluster)).report).toMatchObject({ chunksByMissing: [13] });
  });

  test("are judged by what the log holds after their write was decided, not by what the walk saw", async () => {
    const cluster = await filled();
    const body = await cluster.write("late", patternBytes(300 * KIB, 1));
    // Committed after the references were walked, and before the drives are asked.
    const { inventory } = cluster.drives[0]!;
    let isCommitted = false;
    cluster.drives[0]!.inventory = async (page) => {
      if (!isCommitted) {
        isCommitted = true;
        await cluster.commit(putChange(cluster, "late", body));
        cluster.bodies.settle([body]);
      }
      return inventory(page);
    };
    expect((await count(cluster)).orphansRemoved).toBe(0);
    expect((await cluster.read("late")).equals(patternBytes(300 * KIB, 1))).toBe(true);
  });

  test("are none while a garbage row names them: they have a collector", async () => {
    const cluster = await filled();
    const dataId = await cluster.put("dropped", patternBytes(300 * KIB, 1));
    await cluster.remove("dropped");
    expect((await count(cluster)).orphansRemoved).toBe(0);
    expect(await shardsOf(cluster, dataId)).toHaveLength(4);
  });

  test("are left alone as soon as the log holds records of a kind that this release does not read", async () => {
    const cluster = await filled();
    await cluster.write("never", patternBytes(300 * KIB, 1));
    const key = Buffer.from("v-something");
    await cluster.commit({
      id: "0".repeat(32) as never,
      purpose: "write",
      compares: [{ key, revision: 0 }],
      puts: [{ key, value: Buffer.of(1) }],
      deletes: [],
    });
    const later = { ...cluster.parts, sessions: { floorOf: () => Infinity } };
    expect((await cluster.run(takeCensus(later, everything))).orphansRemoved).toBe(0);
  });
});
