import { describe, expect, test } from "vitest";
import { KIB, MIB, type DriveId } from "@kakera/kernel";
import { putPlan, putSteps, readPlan, retireDrive, setLeaving, setPlanState, type Seen } from "@kakera/metadata";
import { records, type PlanRecord } from "@kakera/protocol";
import { takeCensus } from "../src/census/take-census.ts";
import { PlanCarrier } from "../src/moves/carry-out-plan.ts";
import { reportPlan } from "../src/moves/moves-report.ts";
import { allGroups } from "../src/census/all-groups.ts";
import { repairOnce } from "../src/repair/run-repairs.ts";
import { createTestCluster, damage, patternBytes, shardsOf, shardsOn, type TestCluster } from "./kit/test-cluster.ts";

const sizes = [20 * KIB, 200 * KIB, 3 * MIB];
const geometry = { k: 2, m: 1 };

/** Writes down that every home is to go one drive on, and says that it is to be done. */
async function planRotation(cluster: TestCluster): Promise<void> {
  const ids = cluster.drives.map(({ driveId }) => driveId);
  const next = (home: DriveId | null): DriveId => ids[(ids.indexOf(home as DriveId) + 1) % ids.length] as DriveId;
  const steps = allGroups(cluster.parts).map(({ pool, group }) => {
    const record = cluster.map.group(pool.pool, group)!;
    return { pool: pool.pool, group, epoch: record.epoch, homes: record.homes.map(next) };
  });
  const record = { plan: "rotation", stepCount: steps.length, startedMs: 1 };
  await cluster.commit(putPlan(cluster.author, readPlan(cluster.log.view), record));
  await cluster.commit(putSteps(cluster.author, plan(cluster), steps));
  await setState(cluster, records.PlanState.RUNNING);
}

function plan(cluster: TestCluster): Seen<PlanRecord> {
  return readPlan(cluster.log.view)!;
}

async function setState(cluster: TestCluster, state: PlanRecord["state"]): Promise<void> {
  await cluster.commit(setPlanState(cluster.author, plan(cluster), { state }));
}

async function carryOut(cluster: TestCluster, carrier = new PlanCarrier()): Promise<void> {
  for (let turn = 0; turn < 100 && (await cluster.run(carrier.turn(cluster.parts))); turn++);
}

async function writeAll(cluster: TestCluster): Promise<Map<string, Buffer>> {
  const written = new Map<string, Buffer>();
  for (const [i, sizeBytes] of [...sizes, ...sizes, ...sizes].entries()) {
    written.set(`k${i}`, patternBytes(sizeBytes, i));
    await cluster.put(`k${i}`, written.get(`k${i}`)!);
  }
  return written;
}

async function expectAllHome(cluster: TestCluster, written: ReadonlyMap<string, Buffer>): Promise<void> {
  for (const { pool, group } of allGroups(cluster.parts))
    expect(cluster.map.group(pool.pool, group)?.previous).toEqual([]);
  const { report, groupsInOrder } = await cluster.run(takeCensus(cluster.parts, { covers: () => true }));
  expect(report).toMatchObject({ chunkCount: written.size, lostCount: 0, chunksByMissing: [written.size] });
  expect(groupsInOrder).toHaveLength(8);
  for (const [key, bytes] of written) expect((await cluster.read(key)).equals(bytes)).toBe(true);
}

describe("a plan that gives every group other homes", () => {
  test("is carried out, and nothing is left at former homes", async () => {
    const cluster = await createTestCluster({ geometry, driveCount: 5 });
    const written = await writeAll(cluster);
    await planRotation(cluster);
    expect(reportPlan(cluster.log.view, cluster.map)).toMatchObject({
      state: "running",
      groupsWaiting: 8,
      groupsMoving: 0,
    });
    await carryOut(cluster);
    expect(reportPlan(cluster.log.view, cluster.map)).toMatchObject({
      state: "done",
      groupsWaiting: 0,
      groupsMoving: 0,
    });
    await expectAllHome(cluster, written);
    expect((await Promise.all(cluster.drives.map(shardsOn))).flat()).toHaveLength(3 * 2 + 6 * 3);
    expect(cluster.freeMemoryBytes()).toBe(96 * MIB);
  });

  test("is gone on with by whoever leads next", async () => {
    const cluster = await createTestCluster({ geometry, driveCount: 5, seed: 7 });
    const written = await writeAll(cluster);
    await planRotation(cluster);
    let moments = 0;
    for (let killAt = 1; plan(cluster).record.state !== records.PlanState.DONE; killAt++) {
      moments = 0;
      const dying = {
        ...cluster.parts,
        failpoints: {
          hit: (): void => {
            if (++moments === killAt) throw new Error("killed");
          },
        },
      };
      const carrier = new PlanCarrier();
      for (let turn = 0; turn < 100; turn++) {
        const isDead = await cluster.run(carrier.turn(dying)).then(
          (goesOn) => !goesOn,
          () => true,
        );
        for (const [key, bytes] of written) expect((await cluster.read(key)).equals(bytes)).toBe(true);
        if (isDead) break;
      }
    }
    await expectAllHome(cluster, written);
  });

  test("loses nothing to a deletion of a dead leader that arrives when its drive is a home again (R4)", async () => {
    const cluster = await createTestCluster({ geometry, driveCount: 4 });
    const written = await writeAll(cluster);
    const late: (() => Promise<void>)[] = [];
    for (const { drive, ...switched } of cluster.drives) {
      const reached = cluster.drives.find(({ driveId }) => driveId === switched.driveId)!;
      const removeAtEpoch = reached.removeAtEpoch.bind(reached);
      reached.removeAtEpoch = (refs, epoch) => {
        late.push(() => drive.removeAtEpoch(refs, epoch));
        return removeAtEpoch(refs, epoch);
      };
    }
    await planRotation(cluster);
    await carryOut(cluster);
    const sent = late.splice(0);
    expect(sent.length).toBeGreaterThan(0);
    // Once around: every drive is again the home that it was.
    for (let turn = 1; turn < cluster.drives.length; turn++) {
      await planRotation(cluster);
      await carryOut(cluster);
    }
    for (const arrives of sent) await expect(arrives()).rejects.toMatchObject({ kind: "retry" });
    await expectAllHome(cluster, written);
  });

  test("moves nothing while it is paused, and begins no group after it was aborted", async () => {
    const cluster = await createTestCluster({ geometry, driveCount: 5 });
    const written = await writeAll(cluster);
    await planRotation(cluster);
    await setState(cluster, records.PlanState.PAUSED);
    await carryOut(cluster);
    expect(reportPlan(cluster.log.view, cluster.map)).toMatchObject({
      state: "paused",
      groupsWaiting: 8,
      groupsMoving: 0,
    });
    await setState(cluster, records.PlanState.ABORTING);
    await carryOut(cluster);
    expect(reportPlan(cluster.log.view, cluster.map)).toMatchObject({
      state: "aborted",
      groupsWaiting: 0,
      groupsMoving: 0,
    });
    expect(allGroups(cluster.parts).every(({ group }) => cluster.map.group(1, group)?.epoch === 1)).toBe(true);
    await expectAllHome(cluster, written);
  });

  test("moves what is written and not committed yet, and clears up what never will be", async () => {
    const cluster = await createTestCluster({ geometry, driveCount: 5 });
    const body = await cluster.write("late", patternBytes(200 * KIB, 1));
    await planRotation(cluster);
    await carryOut(cluster);
    expect(plan(cluster).record.state).toBe(records.PlanState.DONE);
    const places = await shardsOf(
      cluster,
      Buffer.from((body as { place: { dataId: Uint8Array } }).place.dataId).toString("hex") as never,
    );
    for (const { driveIndex, ref } of places)
      expect(cluster.map.group(1, ref.group)?.homes[ref.shardIndex]).toBe(cluster.drives[driveIndex]!.driveId);
    expect(places).toHaveLength(3);
  });

  test("mends a shard that is damaged at its former home", async () => {
    const cluster = await createTestCluster({ geometry, driveCount: 5 });
    const written = await writeAll(cluster);
    const [first] = await shardsOf(cluster, (await shardsOn(cluster.drives[0]!))[0]!.identity.dataId);
    await damage(cluster, first!);
    await planRotation(cluster);
    const carrier = new PlanCarrier();
    await carryOut(cluster, carrier);
    for (let item = cluster.parts.backlog.next(); item !== null; item = cluster.parts.backlog.next())
      await cluster.run(repairOnce(cluster.parts, item));
    await carryOut(cluster, carrier);
    expect(plan(cluster).record.state).toBe(records.PlanState.DONE);
    await expectAllHome(cluster, written);
  });

  test("waits for a former home that is away; one that is lost it lets go when all is whole without it (R6)", async () => {
    const cluster = await createTestCluster({ geometry, driveCount: 5 });
    const written = await writeAll(cluster);
    await planRotation(cluster);
    const away = cluster.drives[2]!;
    away.isAway = true;
    const carrier = new PlanCarrier();
    const repairAll = async (): Promise<void> => {
      for (let item = cluster.parts.backlog.next(); item !== null; item = cluster.parts.backlog.next())
        await cluster.run(repairOnce(cluster.parts, item));
    };
    await carryOut(cluster, carrier);
    await repairAll();
    await carryOut(cluster, carrier);
    const waiting = allGroups(cluster.parts).filter(
      ({ group }) => (cluster.map.group(1, group)?.previous.length ?? 0) > 0,
    );
    expect(waiting.length).toBeGreaterThan(0);
    for (const { group } of waiting) {
      const { homes, previous } = cluster.map.group(1, group)!;
      expect([...homes, ...previous.flat()]).toContain(away.driveId);
    }
    // It is a home of some groups and a former one of others: given up, it is neither's.
    await cluster.commit(retireDrive(cluster.author, cluster.log.view, { driveId: away.driveId, nowMs: 1 })!);
    await carryOut(cluster, carrier);
    for (const { group } of allGroups(cluster.parts)) {
      const { homes, previous } = cluster.map.group(1, group)!;
      if (!homes.includes(away.driveId)) expect(previous).toEqual([]);
    }
    for (const [key, bytes] of written) expect((await cluster.read(key)).equals(bytes)).toBe(true);
  });
});

describe("a drive that leaves", () => {
  test("is gone when it holds nothing, and not before", async () => {
    const cluster = await createTestCluster({ geometry, driveCount: 5 });
    const written = await writeAll(cluster);
    const leaving = cluster.drives[1]!;
    await cluster.commit(setLeaving(cluster.author, cluster.log.view, { driveId: leaving.driveId, isLeaving: true })!);
    const steps = allGroups(cluster.parts).flatMap(({ pool, group }) => {
      const { homes, epoch } = cluster.map.group(pool.pool, group)!;
      if (!homes.includes(leaving.driveId)) return [];
      const free = cluster.drives.find(({ driveId }) => !homes.includes(driveId))!.driveId;
      return [{ pool: pool.pool, group, epoch, homes: homes.map((home) => (home === leaving.driveId ? free : home)) }];
    });
    await cluster.commit(putPlan(cluster.author, null, { plan: "remove", stepCount: steps.length }));
    await cluster.commit(putSteps(cluster.author, plan(cluster), steps));
    await setState(cluster, records.PlanState.RUNNING);
    const carrier = new PlanCarrier();
    const late = await cluster.write("late", patternBytes(200 * KIB, 1));
    await carryOut(cluster, carrier);
    // Somebody may yet have taken it for a substitute.
    expect(cluster.map.drive(leaving.driveId)).toMatchObject({ standing: "MEMBER", isLeaving: true });
    await cluster.run(cluster.bodies.discard([late]));
    await carryOut(cluster, carrier);
    expect(cluster.map.drive(leaving.driveId)).toMatchObject({ standing: "GONE", isLeaving: false });
    expect(await shardsOn(leaving)).toEqual([]);
    await expectAllHome(cluster, written);
  });
});
