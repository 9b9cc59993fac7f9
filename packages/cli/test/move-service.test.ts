import { createManualClock, createSeededRandom, newId, type DriveId } from "@kakera/kernel";
import {
  createMemoryLog,
  createMemoryView,
  keys,
  readClusterMap,
  readPlan,
  readSteps,
  retireDrive,
  type NodeRecord,
} from "@kakera/metadata";
import { planTable } from "@kakera/placement";
import { records } from "@kakera/protocol";
import { describe, expect, test } from "vitest";
import { formCluster } from "../src/compose/form-cluster.ts";
import { readPlanName } from "../src/moves/plan-name.ts";
import { createMoveService } from "../src/moves/move-service.ts";

const groupCount = 64;
const stepsMax = 1_000;
const refused = { exitCode: 4 };

/** A cluster of one drive on each of so many hosts, and nodes that came later. */
async function formed(of: { readonly hosts: number; readonly laterHosts?: number }) {
  const random = createSeededRandom(5);
  const clock = createManualClock();
  const log = createMemoryLog({ view: createMemoryView(), session: newId("session", random) });
  const ids = Array.from({ length: of.hosts + (of.laterHosts ?? 0) }, () => newId("drive", random));
  const nodes = ids.map((driveId, index): NodeRecord => nodeOf(driveId, index, newId("node", random)));
  const geometry = { k: 2, m: 1 };
  const drives = ids.slice(0, of.hosts).map((driveId, index) => {
    return { driveId, weightBytes: 1_000, domain: `host${index + 1}`, host: `host${index + 1}` };
  });
  const weights = drives.map(({ driveId, domain, weightBytes }) => ({ driveId, domain, weight: weightBytes }));
  const table = planTable({ drives: weights, geometry, groupCount, present: null });
  const clusterId = newId("cluster", random);
  for (const change of formCluster({ clusterId, geometry, level: "host", drives, table, groupCount, nowMs: 1, random }))
    await log.commit(change);
  const author = { random, session: log.session };
  const service = createMoveService({
    log,
    clock,
    random,
    drives: () => ({ of: "cluster", nodes }),
    moveBytesPerSecond: 1_000_000,
  });
  return { log, clock, random, ids, nodes, author, service, map: readClusterMap(log.view) };
}

function nodeOf(driveId: DriveId, index: number, nodeId: NodeRecord["nodeId"]): NodeRecord {
  const place = { zone: null, rack: null, host: `host${index + 1}`, address: `h${index}:9010` };
  return {
    nodeId,
    ...place,
    version: "0",
    roles: ["storage"],
    drives: [{ driveId, sizeBytes: 1_000, incarnation: 1 }],
  };
}

describe("a plan", () => {
  test("to add takes the drives that hold nothing yet, gives them their share, and is recorded when it is applied", async () => {
    const { service, log, ids, map } = await formed({ hosts: 3, laterHosts: 1 });
    const plan = await service.plan({ action: "add", names: [] });
    expect(plan).toMatchObject({
      coming: [{ driveId: ids[3], domain: "host4" }],
      leaving: [],
      groupCount: 48,
      groupsOfAll: 64,
    });
    expect(plan.shares.map(({ before, after }) => [before, after])).toEqual([
      [64, 48],
      [64, 48],
      [64, 48],
      [0, 48],
    ]);
    expect([plan.toleranceBefore, plan.toleranceAfter]).toEqual(
      Array(2).fill("any one host may fail; every home is filled"),
    );
    expect(readPlan(log.view)).toBeNull();
    await service.apply(plan.plan);
    expect(readPlan(log.view)?.record).toMatchObject({
      plan: plan.plan,
      state: records.PlanState.RUNNING,
      stepCount: 48,
    });
    expect(readSteps(log.view, stepsMax)).toHaveLength(48);
    expect(map.drive(ids[3] as DriveId)).toMatchObject({ standing: "MEMBER", domain: "host4", isLeaving: false });
  });

  test("has the same name as long as nothing changed, and is refused when it is stale", async () => {
    const { service, log, ids, author } = await formed({ hosts: 4, laterHosts: 1 });
    const wish = { action: "add", names: ["host5"] } as const;
    const { plan } = await service.plan(wish);
    expect((await service.plan(wish)).plan).toBe(plan);
    expect(readPlanName(plan)).toEqual(wish);
    await log.commit(retireDrive(author, log.view, { driveId: ids[0] as DriveId, nowMs: 2 })!);
    await expect(service.apply(plan)).rejects.toMatchObject(refused);
    expect(readPlan(log.view)).toBeNull();
  });

  test("to add takes each drive once, however often it is named, and none that two nodes name", async () => {
    const { service, ids, nodes } = await formed({ hosts: 3, laterHosts: 2 });
    const named = await service.plan({ action: "add", names: ["host4", ids[3] as string] });
    expect(named.coming.map(({ driveId }) => driveId)).toEqual([ids[3]]);
    nodes.push({ ...(nodes[4] as NodeRecord), host: "copy" });
    const all = await service.plan({ action: "add", names: [] });
    expect(all.coming.map(({ driveId }) => driveId)).toEqual([ids[3]]);
  });

  test("to remove a node is refused where its shards would have no host to go to", async () => {
    const { service } = await formed({ hosts: 3 });
    const wish = { action: "remove", names: ["host1"] } as const;
    await expect(service.plan(wish)).rejects.toMatchObject({ ...refused, reason: "TOLERANCE_ZERO" });
    await expect(service.plan({ action: "remove", names: ["host9"] })).rejects.toMatchObject(refused);
    await expect(service.plan({ action: "remove", names: [] })).rejects.toMatchObject(refused);
    await expect(service.plan({ action: "add", names: [] })).rejects.toMatchObject(refused);
  });

  test("to remove a node empties it and marks its drives from the moment that it runs", async () => {
    const { service, ids, map } = await formed({ hosts: 4 });
    const plan = await service.plan({ action: "remove", names: ["host2"] });
    expect(plan).toMatchObject({ leaving: [ids[1]] });
    expect(plan.shares.map(({ after }) => after)).toEqual([64, 0, 64, 64]);
    expect(map.drive(ids[1] as DriveId)?.isLeaving).toBe(false);
    await service.apply(plan.plan);
    expect(map.drive(ids[1] as DriveId)?.isLeaving).toBe(true);
  });

  test("to replace a drive moves what the old one has to the new one, and nothing else", async () => {
    const { service, ids } = await formed({ hosts: 3, laterHosts: 1 });
    const plan = await service.plan({ action: "replace", names: [ids[0] as string, "host4"] });
    expect(plan.shares.map(({ before, after }) => [before, after])).toEqual([
      [64, 0],
      [64, 64],
      [64, 64],
      [0, 64],
    ]);
    expect(plan).toMatchObject({ groupCount: 64, leaving: [ids[0]], coming: [{ driveId: ids[3] }] });
  });

  test("is refused while another is carried out, which can be paused, gone on with and given up", async () => {
    const { service, log } = await formed({ hosts: 4, laterHosts: 1 });
    const { plan } = await service.plan({ action: "add", names: [] });
    await expect(service.order("pause", null)).rejects.toMatchObject(refused);
    await service.apply(plan);
    const state = () => records.PlanState[readPlan(log.view)?.record.state ?? 0];
    await expect(
      service.apply((await service.plan({ action: "remove", names: ["host1"] })).plan),
    ).rejects.toMatchObject(refused);
    await expect(service.order("pause", "add@0")).rejects.toMatchObject(refused);
    for (const [order, after] of [
      ["pause", "PAUSED"],
      ["resume", "RUNNING"],
      ["abort", "ABORTING"],
      ["abort", "ABORTING"],
    ] as const) {
      expect(await service.order(order, plan)).toBe(plan);
      expect(state()).toBe(after);
    }
    await expect(service.order("pause", null)).rejects.toMatchObject(refused);
  });

  test("that was cut short while it was recorded is recorded anew", async () => {
    const { service, log } = await formed({ hosts: 3, laterHosts: 1 });
    const { plan } = await service.plan({ action: "add", names: [] });
    const commit = log.commit.bind(log);
    let left = 2;
    log.commit = (change) => (left-- > 0 ? commit(change) : Promise.reject(new Error("killed")));
    await expect(service.apply(plan)).rejects.toThrow("killed");
    log.commit = commit;
    expect(readPlan(log.view)?.record.state).toBe(records.PlanState.RECORDING);
    await service.apply(plan);
    expect(readPlan(log.view)?.record.state).toBe(records.PlanState.RUNNING);
    expect(readSteps(log.view, stepsMax)).toHaveLength(48);
    expect(records.ClusterRecord.decode(log.view.get(keys.cluster())!.value).drives).toHaveLength(4);
  });

  test("of another geometry is nothing for one machine, whose drives say theirs", async () => {
    const { log, clock, random, nodes } = await formed({ hosts: 3 });
    const drives = () => ({ of: "machine", nodes }) as const;
    const service = createMoveService({ log, clock, random, drives, moveBytesPerSecond: 1 });
    await expect(service.plan({ action: "geometry", names: ["1+2"] })).rejects.toMatchObject(refused);
    await expect(service.apply("nonsense")).rejects.toMatchObject(refused);
  });
});
