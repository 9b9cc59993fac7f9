import { createManualClock, createSeededRandom, newId, type ClusterId, type Geometry } from "@kakera/kernel";
import { createMemoryLog, createMemoryView, readClusterMap, readPlan, type MemoryLog } from "@kakera/metadata";
import { groupsOf, planTable } from "@kakera/placement";
import { records } from "@kakera/protocol";
import { beforeEach, describe, expect, test } from "vitest";
import { formCluster } from "../src/compose/form-cluster.ts";
import { createMoveService, type MoveService } from "../src/moves/move-service.ts";

const random = createSeededRandom(7);
const groupCount = 64;
const drives = [1, 2, 3, 4].map((host) => ({
  driveId: newId("drive", random),
  weightBytes: 1_000,
  domain: `host${host}`,
  host: `host${host}`,
}));
let log: MemoryLog;
let moves: MoveService;

/** Four hosts that were formed as 2+1 when there were three of them, say. */
beforeEach(async () => {
  log = createMemoryLog({ view: createMemoryView(), session: newId("session", random) });
  const clock = createManualClock();
  const geometry: Geometry = { k: 2, m: 1 };
  const weights = drives.map(({ driveId, domain, weightBytes }) => ({ driveId, domain, weight: weightBytes }));
  const table = planTable({ drives: weights, geometry, groupCount, present: null });
  const clusterId = newId("cluster", random) as ClusterId;
  for (const change of formCluster({ clusterId, geometry, level: "host", drives, table, groupCount, nowMs: 1, random }))
    await log.commit(change);
  moves = createMoveService({
    log,
    clock,
    random,
    drives: () => ({ of: "cluster", nodes: [] }),
    moveBytesPerSecond: 1,
  });
});

describe("kakera plan geometry", () => {
  test("shows what it would take, and does nothing", async () => {
    const plan = await moves.plan({ action: "geometry", names: ["2+2"] });
    expect(plan).toMatchObject({
      geometry: { from: "2+1", to: "2+2" },
      toleranceBefore: "any one host may fail; every home is filled",
      toleranceAfter: "any 2 hosts may fail; every home is filled",
    });
    expect(plan.plan).toMatch(/^geometry:2\+2@[0-9a-f]+$/);
    expect(readClusterMap(log.view).writePool()?.pool).toBe(1);
  });

  test("makes a pool whose groups have numbers of their own when it is applied, once", async () => {
    const { plan } = await moves.plan({ action: "geometry", names: ["2+2"] });
    await moves.apply(plan);
    const map = readClusterMap(log.view);
    const [first, pool] = [map.pool(1)!, map.writePool()!];
    expect(pool).toMatchObject({ pool: 2, geometry: { k: 2, m: 2 }, domainLevel: "host" });
    expect(groupsOf(pool).filter((group) => groupsOf(first).includes(group))).toEqual([]);
    for (const group of groupsOf(pool)) {
      const { epoch, homes } = map.group(2, group)!;
      expect(epoch).toBe(1);
      expect(new Set(homes.map((home) => map.drive(home!)?.domain)).size).toBe(4);
    }
    expect(readPlan(log.view)?.record).toMatchObject({ plan, rewrites: true, state: records.PlanState.RUNNING });
    await expect(moves.apply(plan)).rejects.toMatchObject({ exitCode: 4 });
    await moves.order("pause", plan);
    expect(readPlan(log.view)?.record).toMatchObject({ rewrites: true, state: records.PlanState.PAUSED });
  });

  test.each([
    ["2+1", /already/],
    ["4+2", /needs 6 hosts, and there are 4/],
    ["many", /no geometry/],
    ["0+2", /no geometry/],
  ])("is refused: %s", async (name, why) => {
    await expect(moves.plan({ action: "geometry", names: [name] })).rejects.toThrow(why);
  });

  test("is planned anew when the cluster has changed since", async () => {
    const { plan } = await moves.plan({ action: "geometry", names: ["2+2"] });
    await moves.apply((await moves.plan({ action: "geometry", names: ["1+2"] })).plan);
    await expect(moves.apply(plan)).rejects.toThrow(/the cluster has changed since/);
  });
});
