import type { DriveId } from "@kakera/kernel";
import { beginMove, dropSteps, keys, readSteps, type PlannedStep, type Seen } from "@kakera/metadata";
import { records, type GroupRecord, type PlanRecord } from "@kakera/protocol";
import { answeringDrive, authorOf } from "../maintenance-parts.ts";
import type { MoveParts } from "./move-group.ts";

/**
 * Begins up to `countMax` steps of a running plan: each gives a group its next epoch and drops the step in one change, so that no leader
 * takes a step twice. A step that was planned for a group or drives that are others by now is dropped. Returns how many were taken or dropped.
 */
export async function takeSteps(parts: MoveParts, plan: Seen<PlanRecord>, countMax: number): Promise<number> {
  let count = 0;
  for (const step of readSteps(parts.log.view, countMax)) {
    const group = readGroup(parts, step.record);
    parts.failpoints.hit("move.before-step");
    const isVoid =
      group === null ||
      group.record.epoch !== step.record.epoch ||
      !step.record.homes.every((home) => mayCome(parts, home));
    if (isVoid) {
      const { pool, group: number } = step.record;
      parts.logger.log("warn", "move.step-void", { pool, group: number });
    }
    const change = isVoid
      ? dropSteps(authorOf(parts), [step])
      : beginMove(authorOf(parts), { step, plan, group }, orphanedHomes(parts, step.record, group.record));
    const result = await parts.log.commit(change);
    if (result.outcome !== "committed") break;
    parts.failpoints.hit("move.after-step");
    count++;
  }
  return count;
}

/** Drops steps that are not to be taken any more. Returns how many. */
export async function abandonSteps(parts: MoveParts, countMax: number): Promise<number> {
  const steps = readSteps(parts.log.view, countMax);
  if (steps.length === 0) return 0;
  const result = await parts.log.commit(dropSteps(authorOf(parts), steps));
  return result.outcome === "committed" ? steps.length : 0;
}

function readGroup(parts: MoveParts, { pool, group }: PlannedStep): Seen<GroupRecord> | null {
  const row = parts.log.view.get(keys.group(pool, group));
  return row === null ? null : { record: records.GroupRecord.decode(row.value), revision: row.revision };
}

function mayCome(parts: MoveParts, home: DriveId | null): boolean {
  if (home === null) return true;
  const drive = parts.map.drive(home);
  return drive !== null && drive.standing !== "GONE" && !drive.isLeaving;
}

/** New homes whose shard no former one can give: it was vacant, or is lost. */
function orphanedHomes(parts: MoveParts, step: PlannedStep, group: GroupRecord): DriveId[] {
  const former = parts.map.group(step.pool, step.group)?.homes ?? [];
  const isBehind = (driveId: DriveId | null): boolean =>
    driveId !== null &&
    group.behind.some((entry) => entry.driveId && Buffer.from(entry.driveId).toString("hex") === driveId);
  return step.homes.filter((home, index): home is DriveId => {
    const before = former[index] ?? null;
    if (home === null || home === before) return false;
    return isBehind(before) || answeringDrive(parts, before) === null;
  });
}
