import type { DriveId } from "@kakera/kernel";
import type { ClusterMap, PlannedStep, Pool } from "@kakera/metadata";
import { diffTables, groupsOf, planTable, type Homes, type PlacementTable } from "@kakera/placement";
import type { World } from "../world/world.ts";
import { pool } from "./cluster-settings.ts";
import type { SimulatedCluster } from "./simulated-cluster.ts";

/**
 * What an operator may want of the drives of a cluster: each stands for itself as a failure domain. `shuffle`: other homes for every group,
 * over the same drives, as no planner would have it: moves have to bear any plan.
 */
export interface DrawnPlan {
  readonly action: "add" | "remove" | "replace" | "shuffle";
  readonly steps: readonly PlannedStep[];
  readonly coming: DriveId | null;
  readonly leaving: DriveId | null;
}

/** null: there is nothing to do, or it would leave a shard without a home. */
export function drawPlan(
  { world, presentNodes }: SimulatedCluster,
  map: ClusterMap,
  shuffleShare: number,
): DrawnPlan | null {
  const record = map.pool(pool);
  if (record === null) return null;
  const { k, m } = record.geometry;
  const members = map.drives().flatMap(({ driveId, isLeaving }) => (isLeaving ? [] : [driveId]));
  const spare = presentNodes.find(({ driveId }) => map.drive(driveId) === null)?.driveId ?? null;
  const actions: DrawnPlan["action"][] = spare === null ? [] : ["add", "replace"];
  if (members.length > k + m) actions.push("remove");
  const action = actions.length === 0 || world.chance(shuffleShare) ? "shuffle" : world.pick(actions);
  const coming = action === "add" || action === "replace" ? spare : null;
  const leaving = action === "remove" || action === "replace" ? world.pick(members) : null;
  const present = groupsOf(record).map((group) => map.group(pool, group)?.homes ?? []);
  const drives = [...members.filter((driveId) => driveId !== leaving), ...(coming === null ? [] : [coming])];
  const target = action === "shuffle" ? shuffled(world, present, drives) : levelled(record, present, drives);
  const moves = diffTables(present, target, new Set());
  if (moves.some(({ moved }) => moved.some(({ to }) => to === null))) return null;
  const steps = moves.map(({ group: index, homes }) => {
    const group = record.firstGroup + index;
    return { pool, group, epoch: map.group(pool, group)?.epoch ?? 0, homes };
  });
  return steps.length === 0 && coming === null && leaving === null ? null : { action, steps, coming, leaving };
}

function levelled({ geometry, groupCount }: Pool, present: PlacementTable, drives: readonly DriveId[]): PlacementTable {
  const weights = drives.map((driveId) => ({ driveId, domain: driveId, weight: 1 }));
  return planTable({ drives: weights, geometry, groupCount, present });
}

/** Some homes of each group become drives that had none of it. */
function shuffled(world: World, present: PlacementTable, drives: readonly DriveId[]): PlacementTable {
  return present.map((before): Homes => {
    const homes = [...before];
    const free = drives.filter((driveId) => !homes.includes(driveId));
    for (let count = world.dice(free.length + 1); count > 0; count--)
      homes[world.dice(homes.length)] = free.splice(world.dice(free.length), 1)[0] ?? null;
    return homes;
  });
}
