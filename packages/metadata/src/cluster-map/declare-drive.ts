import type { ChangeId, DriveId } from "@kakera/kernel";
import { records } from "@kakera/protocol";
import { keys } from "../key-space.ts";
import type { Change } from "../ports/commit-log.ts";
import type { View } from "../ports/view.ts";

/**
 * The change that declares a MEMBER drive SUSPECT or DOWN; writes may leave its shards out from the revision on at which
 * it is committed. null when there is nothing to declare: its standing is not MEMBER any more, or it is unknown.
 */
export function declareDrive(
  view: View,
  driveId: DriveId,
  declaration: { readonly standing: "SUSPECT" | "DOWN"; readonly nowMs: number; readonly changeId: ChangeId },
): Change | null {
  const key = keys.drive(driveId);
  const entry = view.get(key);
  if (entry === null) return null;
  const record = records.DriveRecord.decode(entry.value);
  if (record.standing !== records.DriveStanding.MEMBER) return null;
  record.standing = records.DriveStanding[declaration.standing];
  record.standingSinceMs = declaration.nowMs;
  return {
    id: declaration.changeId,
    compares: [{ key, revision: entry.revision }],
    puts: [{ key, value: records.DriveRecord.encode(record).finish() }],
    deletes: [],
    // Needed to go on at all, also when space is short.
    purpose: "free",
  };
}
