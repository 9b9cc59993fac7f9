import { assert, ClusterFailure, type Clock, type Random } from "@kakera/kernel";
import {
  addDrive,
  dropSteps,
  putPlan,
  putSteps,
  readPlan,
  readSteps,
  setLeaving,
  setPlanState,
  type Author,
  type Change,
  type CommitLog,
  type Seen,
} from "@kakera/metadata";
import { records, type PlanRecord } from "@kakera/protocol";
import { CommandFailure } from "../command-failure.ts";
import { exitCodes } from "../exit-codes.ts";
import { refused } from "./find-drives.ts";
import type { MadePlan } from "./make-plan.ts";
import { poolChanges } from "./record-pool.ts";

export interface RecordingParts {
  readonly log: CommitLog;
  readonly clock: Clock;
  readonly random: Random;
}

/** A change is bounded by the log. */
const stepsPerChange = 60;

/**
 * Writes a plan into the log, from where the leader carries it out. First that it is being recorded, then its steps and drives, and last that
 * it runs: one that was cut short does nothing, and is recorded anew. Throws CommandFailure (exit 4) while another is carried out.
 */
export async function recordPlan(parts: RecordingParts, { offer, steps, newPool }: MadePlan): Promise<void> {
  const { log, clock } = parts;
  const { RECORDING, RUNNING, DONE, ABORTED } = records.PlanState;
  const author: Author = { random: parts.random, session: log.session };
  const before = readPlan(log.view);
  const state = before?.record.state ?? DONE;
  if (state !== DONE && state !== ABORTED && state !== RECORDING)
    throw refused(
      `${before?.record.plan ?? "another plan"} is being carried out`,
      "kakera status, or kakera apply --abort",
    );
  await commit(
    parts,
    putPlan(author, before, {
      plan: offer.plan,
      state: RECORDING,
      startedMs: clock.nowMs(),
      stepCount: steps.length,
      movingBytes: offer.movingBytes + offer.rebuiltBytes,
      rewrites: newPool !== null,
    }),
  );
  const plan = planNow(log);
  // Of a recording that was cut short.
  for (let old = readSteps(log.view, stepsPerChange); old.length > 0; old = readSteps(log.view, stepsPerChange))
    await commit(parts, dropSteps(author, old));
  for (let first = 0; first < steps.length; first += stepsPerChange)
    await commit(parts, putSteps(author, plan, steps.slice(first, first + stepsPerChange)));
  for (const { driveId, weightBytes, domain, host, rack, zone } of offer.coming) {
    const located = { domain, host, rack: rack ?? "", zone: zone ?? "" };
    await commit(parts, addDrive(author, log.view, { driveId, weightBytes, ...located, nowMs: clock.nowMs() }));
  }
  for (const driveId of offer.leaving) {
    const change = setLeaving(author, log.view, { driveId, isLeaving: true });
    if (change !== null) await commit(parts, change);
  }
  if (newPool !== null)
    for (const change of poolChanges({ ...parts, view: () => log.view }, newPool)) await commit(parts, change);
  await commit(parts, setPlanState(author, plan, { state: RUNNING }));
}

/** What an operator can say to a plan that is recorded. */
export type PlanOrder = "pause" | "resume" | "abort";

/** `name`: the plan that is meant; null: whichever it is. Throws CommandFailure when there is none that this can be said to. */
export async function orderPlan(parts: RecordingParts, order: PlanOrder, name: string | null): Promise<string> {
  const { RECORDING, RUNNING, PAUSED, ABORTING } = records.PlanState;
  const plan = readPlan(parts.log.view);
  const from = { pause: [RUNNING], resume: [PAUSED], abort: [RECORDING, RUNNING, PAUSED] }[order];
  const to = { pause: PAUSED, resume: RUNNING, abort: ABORTING }[order];
  if (plan === null || (name !== null && plan.record.plan !== name))
    throw refused(`${name ?? "no plan"} is not being carried out`, "kakera status");
  if (plan.record.state === to) return plan.record.plan;
  if (!(from as number[]).includes(plan.record.state))
    throw refused(`${plan.record.plan} is ${records.PlanState[plan.record.state].toLowerCase()}`, "kakera status");
  await commit(parts, setPlanState({ random: parts.random, session: parts.log.session }, plan, { state: to }));
  return plan.record.plan;
}

export function stalePlan(name: string): CommandFailure {
  return new CommandFailure("REFUSED", `${name} was made from another map: the cluster has changed since`, {
    exitCode: exitCodes.refused,
    remedy: "kakera plan, again",
  });
}

function planNow(log: CommitLog): Seen<PlanRecord> {
  const plan = readPlan(log.view);
  assert(plan !== null, "the plan was written a moment ago");
  return plan;
}

async function commit({ log }: RecordingParts, change: Change): Promise<void> {
  const { outcome } = await log.commit(change);
  if (outcome === "refused") throw new ClusterFailure("retry", "somebody else changes plans or drives at this moment");
}
