import type { ClusterMap } from "@kakera/metadata";
import { ranges, readClusterMap } from "@kakera/metadata";
import { reportBuckets, sumUsage } from "../admin/bucket-reports.ts";
import { refused } from "./find-drives.ts";
import type { PlaceableDrives } from "./placeable-drives.ts";
import { makeGeometryPlan } from "./make-geometry-plan.ts";
import { makePlan, type MadePlan, type MovePlan } from "./make-plan.ts";
import { readPlanName, type PlanWish } from "./plan-name.ts";
import { orderPlan, recordPlan, stalePlan, type PlanOrder, type RecordingParts } from "./record-plan.ts";

export interface MoveServiceParts extends RecordingParts {
  readonly drives: () => PlaceableDrives;
  readonly moveBytesPerSecond: number;
}

/** What the administration can ask about plans. All reject with CommandFailure (exit 4) for what is refused. */
export interface MoveService {
  plan(wish: PlanWish): Promise<MovePlan>;
  apply(name: string): Promise<void>;
  /** Resolves to the plan that it was said to. */
  order(order: PlanOrder, name: string | null): Promise<string>;
}

export function createMoveService(parts: MoveServiceParts): MoveService {
  const make = async (wish: PlanWish): Promise<MadePlan> => {
    const { of, nodes } = parts.drives();
    // Its drives say it, and its journal is kept on so many of them as the geometry asks for.
    if (wish.action === "geometry" && of === "machine")
      throw refused("one machine keeps the geometry that it was formed with", "kakera plan add, for more room");
    await parts.log.barrier();
    const { view } = parts.log;
    const map = readClusterMap(view);
    const usedBytes = sumUsage(reportBuckets(view)).sizeBytes;
    const { moveBytesPerSecond } = parts;
    const sources = { map, pools: poolsOf(map, parts), nodes, usedBytes, moveBytesPerSecond };
    return wish.action === "geometry" ? makeGeometryPlan(sources, wish) : makePlan(sources, wish);
  };
  return {
    plan: async (wish) => (await make(wish)).offer,
    async apply(name) {
      const wish = readPlanName(name);
      if (wish === null) throw refused(`${name} is no plan`, "kakera plan add");
      const made = await make(wish);
      if (made.offer.plan !== name) throw stalePlan(name);
      await recordPlan(parts, made);
    },
    async order(order, name) {
      await parts.log.barrier();
      return orderPlan(parts, order, name);
    },
  };
}

const poolsMax = 1_000;

function poolsOf(map: ClusterMap, { log }: RecordingParts) {
  const { from, to } = ranges.table("pool");
  // The pool's number follows the table byte.
  return log.view.range(from, to, poolsMax).flatMap(({ key }) => map.pool(key.readUInt32BE(1)) ?? []);
}
