import { idFromBytes, newId, type DriveId } from "@kakera/kernel";
import { keys, type Group } from "@kakera/metadata";
import { records } from "@kakera/protocol";
import type { CensusGroup } from "../census/collect-chunks.ts";
import { takingDrive, type MaintenanceParts } from "../maintenance-parts.ts";

/** Groups whose rows are written in one change. */
const groupsPerChange = 100;

/** Members, by the revision of their record at which all writes that had left them out were decided. */
export type ReadyDrives = ReadonlyMap<DriveId, number>;

/**
 * When a drive is behind no longer. Writes that began while it was declared may still be committed after it was taken back;
 * so a count heals a group only if it began after all of these were decided (correctness.md R6).
 */
export class CatchUp {
  /** For each member and revision of its record: the mark set when it was first seen so. */
  #marks = new Map<string, number>();

  /** To be asked before a count: the drives of which that count sees every write that left them out. */
  readyDrives(parts: MaintenanceParts): ReadyDrives {
    const ready = new Map<DriveId, number>();
    const marks = new Map<string, number>();
    for (const { driveId, standing, revision } of parts.map.drives()) {
      if (standing !== "MEMBER") continue;
      const name = `${driveId}@${revision}`;
      const mark = this.#marks.get(name) ?? parts.writes.set();
      marks.set(name, mark);
      if (parts.writes.isPassed(mark)) ready.set(driveId, revision);
    }
    this.#marks = marks;
    return ready;
  }
}

/** Whether a group has drives that are behind and can be filled now. */
export function isBehind(parts: MaintenanceParts, group: Group): boolean {
  return [...group.behind.keys()].some((driveId) => takingDrive(parts, driveId) !== null);
}

/** After a count: of groups found in order, drives that were ready before it are behind no longer. Returns how many groups. */
export async function forgetBehind(
  parts: MaintenanceParts,
  groupsInOrder: readonly CensusGroup[],
  ready: ReadyDrives,
): Promise<number> {
  const rows = groupsInOrder.flatMap((group) => rowWithoutBehind(parts, group, ready));
  let caughtUp = 0;
  for (let first = 0; first < rows.length; first += groupsPerChange) {
    const some = rows.slice(first, first + groupsPerChange);
    const result = await parts.log.commit({
      id: newId("change", parts.random),
      compares: some.map(({ key, revision }) => ({ key, revision })),
      puts: some.map(({ key, value }) => ({ key, value })),
      deletes: [],
      purpose: "free",
    });
    if (result.outcome === "committed") caughtUp += some.length;
  }
  return caughtUp;
}

function rowWithoutBehind(
  parts: MaintenanceParts,
  { pool, group }: CensusGroup,
  ready: ReadyDrives,
): { readonly key: Uint8Array; readonly revision: number; readonly value: Uint8Array }[] {
  const key = keys.group(pool.pool, group);
  const entry = parts.log.view.get(key);
  if (entry === null) return [];
  const record = records.GroupRecord.decode(entry.value);
  const isStillBehind = (bytes: Uint8Array | null | undefined): boolean => {
    if (!bytes) return false;
    const driveId = idFromBytes("drive", bytes);
    return ready.get(driveId) !== parts.map.drive(driveId)?.revision || takingDrive(parts, driveId) === null;
  };
  const behind = record.behind.filter(({ driveId }) => isStillBehind(driveId));
  if (behind.length === record.behind.length) return [];
  record.behind = behind;
  return [{ key, revision: entry.revision, value: records.GroupRecord.encode(record).finish() }];
}
