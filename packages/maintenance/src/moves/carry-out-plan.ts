import { ClusterFailure } from "@kakera/kernel";
import { keys, readPlan, setLeaving, setPlanState, type Seen } from "@kakera/metadata";
import { records, type PlanRecord } from "@kakera/protocol";
import { allGroups } from "../census/all-groups.ts";
import type { CensusGroup } from "../census/collect-chunks.ts";
import { authorOf } from "../maintenance-parts.ts";
import { MoveEnds } from "./end-moves.ts";
import { moveGroup, type MoveParts } from "./move-group.ts";
import { Retirement } from "./retire-drives.ts";
import { abandonSteps, takeSteps } from "./take-steps.ts";

/** Groups that move at the same time. One that has to wait, for a write or a drive, does not hold up the others. */
const groupsMovingMax = 16;
/** Of these, groups that are worked on at the same moment: most drives are a call away. */
const groupsAtOnce = 8;
/** A change is bounded by the log. */
const stepsPerChange = 60;

/**
 * Carries out what the log says is planned. All it knows is in group records, steps and on the drives: whoever leads next goes on with it,
 * wherever the one before was.
 */
export class PlanCarrier {
  readonly #ends = new MoveEnds();
  readonly #retirement = new Retirement();
  readonly #isAllRewritten: () => boolean;

  /** `isAllRewritten`: whether all objects have the geometry that a plan gave the newest pool. */
  constructor(isAllRewritten: () => boolean = () => true) {
    this.#isAllRewritten = isAllRewritten;
  }

  /** One turn: a pass over every group that moves, and new steps in place of those that ended. Whether anything came of it. */
  async turn(parts: MoveParts): Promise<boolean> {
    const plan = readPlan(parts.log.view);
    if (plan?.record.state === records.PlanState.PAUSED) return false;
    const movedCount = await this.#passes(parts);
    const healedCount = await this.#ends.heal(parts);
    const isGoingOn = plan !== null && (await this.#goOn(parts, plan));
    return movedCount + healedCount > 0 || isGoingOn;
  }

  async #passes(parts: MoveParts): Promise<number> {
    let movedCount = 0;
    const groups = movingGroups(parts);
    for (let first = 0; first < groups.length; first += groupsAtOnce) {
      if (readPlan(parts.log.view)?.record.state === records.PlanState.PAUSED) return movedCount;
      const some = groups.slice(first, first + groupsAtOnce);
      for (const hasMoved of await Promise.all(some.map((group) => this.#pass(parts, group))))
        if (hasMoved) movedCount++;
    }
    return movedCount;
  }

  /** Whether anything was moved, or the move has ended. */
  async #pass(parts: MoveParts, group: CensusGroup): Promise<boolean> {
    const record = parts.map.group(group.pool.pool, group.group);
    const row = parts.log.view.get(keys.group(group.pool.pool, group.group));
    if (record === null || row === null || record.previous.length === 0) return false;
    try {
      const pass = await moveGroup(parts, group, record);
      const isOver = await this.#ends.afterPass(parts, { group, record, revision: row.revision }, pass);
      return isOver || pass.copiedBytes > 0;
    } catch (failure) {
      // One group that meets a drive in trouble does not hold up the others.
      if (!(failure instanceof ClusterFailure)) throw failure;
      parts.logger.log("warn", "move.failed", { group: group.group, reason: failure.reason, message: failure.message });
      return false;
    }
  }

  async #goOn(parts: MoveParts, plan: Seen<PlanRecord>): Promise<boolean> {
    const { RUNNING, ABORTING, DONE, ABORTED } = records.PlanState;
    const { state } = plan.record;
    if (state === ABORTING) {
      if ((await abandonSteps(parts, stepsPerChange)) > 0) return true;
      return (await keepDrives(parts)) && endPlan(parts, plan, ABORTED);
    }
    if (state !== RUNNING) return false;
    const room = groupsMovingMax - movingGroups(parts).length;
    if (room > 0 && (await takeSteps(parts, plan, room)) > 0) return true;
    if (movingGroups(parts).length > 0 || (await this.#retirement.look(parts)) > 0) return false;
    return (!plan.record.rewrites || this.#isAllRewritten()) && endPlan(parts, plan, DONE);
  }
}

function movingGroups(parts: MoveParts): CensusGroup[] {
  return allGroups(parts).filter(({ pool, group }) => (parts.map.group(pool.pool, group)?.previous.length ?? 0) > 0);
}

async function endPlan(
  parts: MoveParts,
  plan: Seen<PlanRecord>,
  state: (typeof records.PlanState)["DONE" | "ABORTED"],
): Promise<boolean> {
  const change = setPlanState(authorOf(parts), plan, { state, nowMs: parts.clock.nowMs() });
  const result = await parts.log.commit(change);
  if (result.outcome !== "committed") return false;
  // What no home could be found for has one now.
  parts.backlog.hurry();
  parts.logger.log("info", "plan.ended", { plan: plan.record.plan, state: records.PlanState[state] });
  return true;
}

/** Drives that were to leave stay, with what they still have. Whether none leaves any more. */
async function keepDrives(parts: MoveParts): Promise<boolean> {
  for (const { driveId, isLeaving } of parts.map.drives()) {
    if (!isLeaving) continue;
    const change = setLeaving(authorOf(parts), parts.log.view, { driveId, isLeaving: false });
    if (change === null || (await parts.log.commit(change)).outcome !== "committed") return false;
  }
  return true;
}
