import { idBytes, idFromBytes, type DriveId } from "@kakera/kernel";
import { records, type GroupRecord, type PlanRecord, type PlanRecordInput } from "@kakera/protocol";
import { groupOfKey, keys, ranges } from "../key-space.ts";
import type { Change } from "../ports/commit-log.ts";
import type { View } from "../ports/view.ts";
import { compareSeen, newChangeId, type Author, type Seen } from "./transition.ts";

/** One group's way to its new homes, which a plan has still to go. */
export interface PlannedStep {
  readonly pool: number;
  readonly group: number;
  /** Of the group that it was planned for. */
  readonly epoch: number;
  /** k+m drives by shard index; null = vacant. */
  readonly homes: readonly (DriveId | null)[];
}

/** null: there never was one. */
export function readPlan(view: View): Seen<PlanRecord> | null {
  const entry = view.get(keys.plan());
  return entry === null ? null : { record: records.PlanRecord.decode(entry.value), revision: entry.revision };
}

/** Steps that are left, at most `limit`, lowest group first. */
export function readSteps(view: View, limit: number): Seen<PlannedStep>[] {
  const { from, to } = ranges.table("step");
  return view.range(from, to, limit).map(({ key, value, revision }) => {
    const { epoch, homes } = records.StepRecord.decode(value);
    return { record: { ...groupOfKey(key), epoch, homes: homes.map(homeOf) }, revision };
  });
}

/** Writes the plan's record, as what it was when it was seen. */
export function putPlan(author: Author, seen: Seen<PlanRecord> | null, record: PlanRecordInput): Change {
  const key = keys.plan();
  return {
    id: newChangeId(author),
    purpose: "free",
    compares: [compareSeen(key, seen)],
    puts: [{ key, value: records.PlanRecord.encode(record).finish() }],
    deletes: [],
  };
}

/** Says of the plan that it is in another state; `nowMs`: when it ended. */
export function setPlanState(
  author: Author,
  seen: Seen<PlanRecord>,
  to: { readonly state: PlanRecord["state"]; readonly nowMs?: number },
): Change {
  return putPlan(author, seen, Object.assign({}, seen.record, { state: to.state, endedMs: to.nowMs ?? 0 }));
}

/** Writes down steps of a plan whose record is still as it was seen. */
export function putSteps(author: Author, plan: Seen<PlanRecord>, steps: readonly PlannedStep[]): Change {
  return {
    id: newChangeId(author),
    purpose: "free",
    compares: [compareSeen(keys.plan(), plan)],
    puts: steps.map(({ pool, group, epoch, homes }) => ({
      key: keys.step(pool, group),
      value: records.StepRecord.encode({ epoch, homes: homes.map(bytesOf) }).finish(),
    })),
    deletes: [],
  };
}

/** Steps that are not to be taken any more. */
export function dropSteps(author: Author, steps: readonly Seen<PlannedStep>[]): Change {
  const dropped = steps.map((step) => ({ key: keys.step(step.record.pool, step.record.group), seen: step }));
  return {
    id: newChangeId(author),
    purpose: "free",
    compares: dropped.map(({ key, seen }) => compareSeen(key, seen)),
    puts: [],
    deletes: dropped.map(({ key }) => key),
  };
}

/**
 * A group's step: its next epoch, with the new homes and those of now as previous ones (correctness.md F6). `behind`: new homes that
 * nobody can give their shards to, so that these must be made anew.
 */
export function beginMove(
  author: Author,
  {
    step,
    plan,
    group,
  }: { readonly step: Seen<PlannedStep>; readonly plan: Seen<PlanRecord>; readonly group: Seen<GroupRecord> },
  behind: readonly DriveId[],
): Change {
  const { pool, group: number, homes } = step.record;
  const [stepKey, groupKey] = [keys.step(pool, number), keys.group(pool, number)];
  const { epoch, homes: former, previous, behind: known } = group.record;
  const kept = known.filter(({ driveId }) => driveId && homes.includes(idFromBytes("drive", driveId)));
  const value = records.GroupRecord.encode({
    epoch: epoch + 1,
    homes: homes.map(bytesOf),
    previous: [{ epoch, homes: former }, ...previous],
    behind: [...kept, ...behind.map((driveId) => ({ driveId: idBytes(driveId), sinceRevision: 0 }))],
  }).finish();
  return {
    id: newChangeId(author),
    purpose: "free",
    compares: [compareSeen(groupKey, group), compareSeen(stepKey, step), compareSeen(keys.plan(), plan)],
    puts: [{ key: groupKey, value }],
    deletes: [stepKey],
  };
}

/** Nothing is left at former homes: they are asked no longer. */
export function endMove(
  author: Author,
  at: { readonly pool: number; readonly group: number },
  seen: Seen<GroupRecord>,
): Change {
  const key = keys.group(at.pool, at.group);
  const { epoch, homes, behind } = seen.record;
  return {
    id: newChangeId(author),
    purpose: "free",
    compares: [compareSeen(key, seen)],
    puts: [{ key, value: records.GroupRecord.encode({ epoch, homes, behind }).finish() }],
    deletes: [],
  };
}

function homeOf(bytes: Uint8Array): DriveId | null {
  return bytes.byteLength === 0 ? null : idFromBytes("drive", bytes);
}

function bytesOf(home: DriveId | null): Uint8Array {
  return home === null ? new Uint8Array() : idBytes(home);
}
