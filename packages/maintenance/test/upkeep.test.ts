import { createSeededRandom, KIB, MINUTE_MS, newId, SECOND_MS, silentMeter } from "@kakera/kernel";
import { createBodyCopier } from "@kakera/gateway";
import { keys } from "@kakera/metadata";
import { describe, expect, test } from "vitest";
import { createMaintenance, createPositionsInLog, type Maintenance } from "../src/index.ts";
import { createTestCluster, patternBytes, shardsOf, type TestCluster } from "./kit/test-cluster.ts";

function maintain(cluster: TestCluster): Maintenance {
  const { parts } = cluster;
  const onBug = (failure: unknown): void => {
    throw failure;
  };

  const settings = { lookIntervalMs: SECOND_MS, censusIntervalMs: 1000 * MINUTE_MS, uploadsIntervalMs: MINUTE_MS };
  return createMaintenance({ ...parts, meter: silentMeter, copier: createBodyCopier(cluster.bodies), onBug }, settings);
}

async function until(cluster: TestCluster, isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 2_000; turn++) {
    if (await isSo()) return;
    cluster.clock.advance(500);
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error("it did not come to that");
}

describe("what maintenance knows", () => {
  test("is told by every process over the log, and by the next one that leads", async () => {
    const cluster = await createTestCluster({ geometry: { k: 2, m: 1 } });
    await cluster.put("a", patternBytes(300 * KIB, 1));
    const [leader, follower] = [maintain(cluster), maintain(cluster)];
    expect(follower.report().census.provenMs).toBeNull();
    leader.start();
    await until(cluster, () => leader.report().census.chunkCount === 1 && leader.report().scrubbedMs !== null);
    const { census, scrubbedMs } = leader.report();
    await until(cluster, () => follower.report().scrubbedMs === scrubbedMs);
    expect(follower.report()).toMatchObject({ census, repair: { waitingCount: 0, isPaused: false } });
    await leader.stop();
    follower.start();
    expect(follower.report().census).toEqual(census);
    await follower.stop();
  });

  test("is written down when it is news, and only then", async () => {
    const cluster = await createTestCluster({ geometry: { k: 2, m: 1 } });
    const leader = maintain(cluster);
    leader.start();
    await until(cluster, () => leader.report().scrubbedMs !== null);
    const revision = () => cluster.log.view.get(keys.upkeepReport())?.revision;
    await until(cluster, () => revision() !== undefined);
    for (let turn = 0; turn < 20; turn++) await until(cluster, () => true);
    const before = revision();
    for (let turn = 0; turn < 200; turn++) {
      cluster.clock.advance(SECOND_MS);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(revision()).toBe(before);
    await leader.stop();
  });
});

describe("orders for repair", () => {
  test("reach whoever leads, through the log, and outlive it", async () => {
    const cluster = await createTestCluster({ geometry: { k: 2, m: 1 } });
    const dataId = await cluster.put("a", patternBytes(300 * KIB, 1));
    const [leader, follower, next] = [maintain(cluster), maintain(cluster), maintain(cluster)];
    leader.start();
    await until(cluster, () => leader.report().census.provenMs !== null);
    await follower.orderRepair("pause");
    expect(leader.report().repair.isPaused).toBe(true);
    await leader.stop();
    const [lost] = await shardsOf(cluster, dataId);
    await cluster.drives[lost!.driveIndex]!.drive.remove([lost!.ref]);
    next.start();
    await until(cluster, () => next.report().repair.waitingCount === 1);
    expect(await shardsOf(cluster, dataId)).toHaveLength(2);
    await follower.orderRepair("resume");
    await until(cluster, async () => (await shardsOf(cluster, dataId)).length === 3);
    await next.stop();
  });

  test("now: counts what no count was due for", async () => {
    const cluster = await createTestCluster({ geometry: { k: 2, m: 1 } });
    const dataId = await cluster.put("a", patternBytes(300 * KIB, 1));
    const leader = maintain(cluster);
    leader.start();
    await until(cluster, () => leader.report().census.provenMs !== null);
    const [lost] = await shardsOf(cluster, dataId);
    await cluster.drives[lost!.driveIndex]!.drive.remove([lost!.ref]);
    await leader.orderRepair("now");
    await until(cluster, async () => (await shardsOf(cluster, dataId)).length === 3);
    await leader.stop();
  });
});

describe("positions of the scrub in the log", () => {
  const position = (shardIndex: number, startedMs: number) => ({
    after: { group: 3, dataId: newId("data", createSeededRandom(1)), chunkIndex: 7, shardIndex },
    startedMs,
    endedMs: null,
  });

  test("are found by the process that leads next", async () => {
    const cluster = await createTestCluster({ geometry: { k: 2, m: 1 } });
    const driveId = cluster.drives[0]!.driveId;
    const mine = createPositionsInLog(cluster.parts);
    await mine.save(driveId, position(1, 5));
    expect(await createPositionsInLog(cluster.parts).load(driveId)).toEqual(position(1, 5));
    await mine.save(driveId, { after: null, startedMs: 5, endedMs: 9 });
    expect(await createPositionsInLog(cluster.parts).load(driveId)).toEqual({ after: null, startedMs: 5, endedMs: 9 });
  });

  test("are not written at every step, and taken from a later pass of another process", async () => {
    const cluster = await createTestCluster({ geometry: { k: 2, m: 1 } });
    const driveId = cluster.drives[0]!.driveId;
    const [mine, other] = [createPositionsInLog(cluster.parts), createPositionsInLog(cluster.parts)];
    await mine.save(driveId, position(0, 5));
    await mine.save(driveId, position(1, 5));
    expect(await other.load(driveId)).toEqual(position(0, 5));
    expect(await mine.load(driveId)).toEqual(position(1, 5));
    cluster.clock.advance(5 * MINUTE_MS);
    await mine.save(driveId, position(2, 5));
    expect(await other.load(driveId)).toEqual(position(2, 5));
    await other.save(driveId, position(1, 8));
    expect(await mine.load(driveId)).toEqual(position(1, 8));
  });
});
