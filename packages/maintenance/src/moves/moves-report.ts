import { readPlan, readSteps, type ClusterMap, type View } from "@kakera/metadata";
import { records } from "@kakera/protocol";
import { allGroups } from "../census/all-groups.ts";

/** How far the plan is that is being carried out, or was last; every gateway knows it from the log. */
export interface PlanReport {
  readonly plan: string;
  readonly state: "recording" | "running" | "paused" | "aborting" | "done" | "aborted";
  readonly startedMs: number;
  /** null: not yet. */
  readonly endedMs: number | null;
  /** Groups that get other homes, in all. */
  readonly groupCount: number;
  readonly groupsWaiting: number;
  readonly groupsMoving: number;
  /** About so many bytes of shards get another drive in all. */
  readonly movingBytes: number;
  /** Drives that leave when they hold nothing. */
  readonly leavingCount: number;
}

const names = ["recording", "running", "paused", "aborting", "done", "aborted"] as const;
const stepsMax = 100_000;

/** null: nothing was ever planned. */
export function reportPlan(view: View, map: ClusterMap): PlanReport | null {
  const plan = readPlan(view);
  if (plan === null) return null;
  const { state, startedMs, endedMs, stepCount, movingBytes } = plan.record;
  const moving = allGroups({ log: { view }, map }).filter(
    ({ pool, group }) => (map.group(pool.pool, group)?.previous.length ?? 0) > 0,
  );
  return {
    plan: plan.record.plan,
    state: names[state] ?? "recording",
    startedMs,
    endedMs: endedMs === 0 ? null : endedMs,
    groupCount: stepCount,
    groupsWaiting: state === records.PlanState.ABORTED ? 0 : readSteps(view, stepsMax).length,
    groupsMoving: moving.length,
    movingBytes,
    leavingCount: map.drives().filter(({ isLeaving }) => isLeaving).length,
  };
}
