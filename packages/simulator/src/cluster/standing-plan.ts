import { readClusterMap, readPlan, type View } from "@kakera/metadata";
import { groupsOf } from "@kakera/placement";
import { records } from "@kakera/protocol";
import { pool } from "./cluster-settings.ts";

/** What of a plan is not done yet; "": nothing is under way. */
export function standingPlan(view: View): string {
  const { DONE, ABORTED } = records.PlanState;
  const plan = readPlan(view)?.record;
  if (plan !== undefined && plan.state !== DONE && plan.state !== ABORTED)
    return `the plan to ${plan.plan} is ${records.PlanState[plan.state]}`;
  const map = readClusterMap(view);
  const record = map.pool(pool);
  const moving = record === null ? [] : groupsOf(record).filter((group) => hasFormerHomes(map.group(pool, group)));
  return moving.length === 0 ? "" : `groups ${moving.join()} have former homes`;
}

function hasFormerHomes(group: { readonly previous: readonly unknown[] } | null): boolean {
  return (group?.previous.length ?? 0) > 0;
}
