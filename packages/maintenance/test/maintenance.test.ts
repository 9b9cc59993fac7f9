import { describe, expect, test } from "vitest";
import { ClusterFailure, KIB, MIB, SECOND_MS } from "@kakera/kernel";
import { ranges } from "@kakera/metadata";
import type { Maintenance, MaintenanceSettings } from "../src/index.ts";
import {
  createTestCluster,
  damage,
  maintenanceOf,
  patternBytes,
  shardsOf,
  shardsOn,
  type TestCluster,
} from "./kit/test-cluster.ts";

const settings: Partial<MaintenanceSettings> = {
  lookIntervalMs: SECOND_MS,
  censusIntervalMs: 60 * SECOND_MS,
  steadyMs: 5 * SECOND_MS,
  garbageGraceMs: 10 * SECOND_MS,
  scrubIntervalMs: 600 * SECOND_MS,
};

function maintain(cluster: TestCluster): {
  maintenance: Maintenance;
  bugs: unknown[];
  until: (condition: () => boolean | Promise<boolean>) => Promise<void>;
} {
  const bugs: unknown[] = [];
  const maintenance = maintenanceOf(cluster, settings, (bug) => bugs.push(bug));
  const until = async (condition: () => boolean | Promise<boolean>): Promise<void> => {
    for (let step = 0; step < 4_000; step++) {
      for (let turn = 0; turn < 6; turn++) await new Promise((resolve) => setImmediate(resolve));
      expect(bugs).toEqual([]);
      if (await condition()) return;
      cluster.clock.advance(250);
    }
    throw new Error("it never comes about");
  };
  return { maintenance, bugs, until };
}

describe("maintenance", () => {
  test("heals a store after a drive was away, another lost shards, and a third went bad: until a census proves it whole", async () => {
    const cluster = await createTestCluster({ geometry: { k: 2, m: 2 } });
    const contents = Array.from({ length: 9 }, (_, i) => patternBytes([20 * KIB, 300 * KIB, 5 * MIB][i % 3]!, i));
    const { maintenance, until } = maintain(cluster);
    maintenance.start();
    cluster.drives[3]!.isAway = true;
    await until(() => cluster.map.drive(cluster.drives[3]!.driveId)?.standing === "DOWN");
    const dataIds: Awaited<ReturnType<TestCluster["put"]>>[] = [];
    for (const [i, bytes] of contents.entries()) dataIds.push(await cluster.put(`k${i}`, bytes));
    await cluster.put("gone", patternBytes(300 * KIB, 1));
    await cluster.remove("gone");
    await until(
      () =>
        maintenance.report().census.provenMs !== null &&
        maintenance
          .report()
          .census.chunksByMissing.slice(1)
          .some((count) => count > 0),
    );
    cluster.drives[3]!.isAway = false;
    const lost = (await shardsOf(cluster, dataIds[1]!))[0]!;
    await cluster.drives[lost.driveIndex]!.drive.remove([lost.ref]);
    await damage(cluster, (await shardsOf(cluster, dataIds[4]!))[1]!);
    await until(() => cluster.map.drive(cluster.drives[3]!.driveId)?.standing === "MEMBER");
    await until(
      () =>
        maintenance.report().census.chunksByMissing[0] === 9 &&
        maintenance.report().census.chunkCount === 9 &&
        maintenance.report().bitrotFoundCount > 0,
    );
    await until(() => maintenance.report().repair.waitingCount === 0 && maintenance.report().scrubbedMs !== null);
    const { from, to } = ranges.table("garbage");
    await until(() => cluster.log.view.range(from, to, 1).length === 0);
    await until(() =>
      Array.from({ length: 8 }, (_, group) => cluster.map.group(1, group)!.behind.size).every((size) => size === 0),
    );
    await maintenance.stop();
    // Any two drives may go now.
    for (const [a, b] of [
      [0, 1],
      [1, 2],
      [0, 3],
    ] as const) {
      cluster.drives[a]!.isAway = true;
      cluster.drives[b]!.isAway = true;
      for (const [i, bytes] of contents.entries()) expect((await cluster.read(`k${i}`)).equals(bytes)).toBe(true);
      cluster.drives[a]!.isAway = false;
      cluster.drives[b]!.isAway = false;
    }
    const held = await Promise.all(cluster.drives.map(async (drive) => (await shardsOn(drive)).length));
    expect(held.reduce((sum, count) => sum + count, 0)).toBe(3 * 3 + 6 * 4);
  });

  test("goes on when the log is out of reach for a while, and stops when it is told to", async () => {
    const cluster = await createTestCluster({ geometry: { k: 2, m: 1 } });
    await cluster.put("a", patternBytes(300 * KIB, 1));
    const { maintenance, until } = maintain(cluster);
    cluster.log.failure = new ClusterFailure("retry", "away", { reason: "LOG_UNREACHABLE" });
    maintenance.start();
    for (let i = 0; i < 20; i++) await until(() => true);
    expect(maintenance.report().census.provenMs).toBeNull();
    cluster.log.failure = null;
    await until(() => maintenance.report().census.chunkCount === 1);
    await maintenance.stop();
    const { provenMs } = maintenance.report().census;
    cluster.clock.advance(600 * SECOND_MS);
    await new Promise((resolve) => setImmediate(resolve));
    expect(maintenance.report().census.provenMs).toBe(provenMs);
  });

  test("repairs nothing while it is paused, and says what waits", async () => {
    const cluster = await createTestCluster({ geometry: { k: 2, m: 1 } });
    const dataId = await cluster.put("a", patternBytes(300 * KIB, 1));
    const [lost] = await shardsOf(cluster, dataId);
    await cluster.drives[lost!.driveIndex]!.drive.remove([lost!.ref]);
    const { maintenance, until } = maintain(cluster);
    await maintenance.orderRepair("pause");
    maintenance.start();
    await until(() => maintenance.report().repair.waitingCount === 1);
    cluster.clock.advance(60 * SECOND_MS);
    await until(() => true);
    expect(maintenance.report().repair).toMatchObject({ waitingCount: 1, isPaused: true });
    expect(cluster.clock.nowMs() - maintenance.report().repair.oldestWaitingMs!).toBeGreaterThanOrEqual(60 * SECOND_MS);
    expect(await shardsOf(cluster, dataId)).toHaveLength(2);
    await maintenance.orderRepair("resume");
    await until(async () => (await shardsOf(cluster, dataId)).length === 3);
    await maintenance.stop();
  });

  test("mends at once what waited for a drive that was away too short a time to be declared", async () => {
    const cluster = await createTestCluster({ geometry: { k: 2, m: 1 } });
    const dataId = await cluster.put("a", patternBytes(300 * KIB, 1));
    const [lost] = await shardsOf(cluster, dataId);
    const drive = cluster.drives[lost!.driveIndex]!;
    await drive.drive.remove([lost!.ref]);
    const { maintenance, until } = maintain(cluster);
    drive.isAway = true;
    maintenance.start();
    maintenance.repairQueue.report({ ref: lost!.ref, driveId: drive.driveId, why: "missing" });
    await until(() => maintenance.report().repair.waitingCount === 1);
    cluster.clock.advance(SECOND_MS);
    await until(() => true);
    drive.isAway = false;
    const backMs = cluster.clock.monotonicMs();
    await until(async () => (await shardsOf(cluster, dataId)).length === 3);
    expect(cluster.clock.monotonicMs() - backMs).toBeLessThan(5 * SECOND_MS);
    expect(cluster.map.drive(drive.driveId)?.standing).toBe("MEMBER");
    await maintenance.stop();
  });

  test("mends at once what was found to wait for a drive just when that was taken back", async () => {
    const cluster = await createTestCluster({ geometry: { k: 2, m: 1 } });
    const dataId = await cluster.put("a", patternBytes(300 * KIB, 1));
    const shards = await shardsOf(cluster, dataId);
    const [lost, held] = [0, 1].map((index) => shards.find(({ ref }) => ref.shardIndex === index));
    const [away, asked] = [cluster.drives[lost!.driveIndex]!, cluster.drives[held!.driveIndex]!];
    await away.drive.remove([lost!.ref]);
    away.isAway = true;
    const { maintenance, until } = maintain(cluster);
    maintenance.start();
    await until(() => cluster.map.drive(away.driveId)?.standing === "DOWN");
    // The look at the chunk has seen that its home is away, and takes its time over the rest.
    const describeAtOnce = asked.drive.describe.bind(asked.drive);
    let isLooking = false;
    const takenBack = Promise.withResolvers<void>();
    asked.drive.describe = async (ref) => {
      if (ref.shardIndex === 1 && !isLooking) {
        isLooking = true;
        await takenBack.promise;
      }
      return describeAtOnce(ref);
    };
    maintenance.repairQueue.report({ ref: lost!.ref, driveId: away.driveId, why: "missing" });
    await until(() => isLooking);
    away.isAway = false;
    await until(() => cluster.map.drive(away.driveId)?.standing === "MEMBER");
    const backMs = cluster.clock.monotonicMs();
    takenBack.resolve();
    await until(async () => (await shardsOf(cluster, dataId)).length === 3);
    expect(cluster.clock.monotonicMs() - backMs).toBeLessThan(5 * SECOND_MS);
    await maintenance.stop();
  });
});
