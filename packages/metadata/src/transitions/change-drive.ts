import type { DriveId } from "@kakera/kernel";
import { records, type DriveRecord } from "@kakera/protocol";
import { keys } from "../key-space.ts";
import type { Change } from "../ports/commit-log.ts";
import type { View } from "../ports/view.ts";
import { newChangeId, type Author } from "./transition.ts";

/** Whether a drive that is a member is to give up what it holds. null: there is no such drive. */
export function setLeaving(
  author: Author,
  view: View,
  drive: { readonly driveId: DriveId; readonly isLeaving: boolean },
): Change | null {
  return changeDrive(author, view, drive.driveId, (record) => {
    record.isLeaving = drive.isLeaving;
  });
}

/** A drive that left holds nothing any more: it is none of the cluster's. null: there is no such drive. */
export function retireDrive(
  author: Author,
  view: View,
  drive: { readonly driveId: DriveId; readonly nowMs: number },
): Change | null {
  return changeDrive(author, view, drive.driveId, (record) => {
    record.isLeaving = false;
    record.standing = records.DriveStanding.GONE;
    record.standingSinceMs = drive.nowMs;
  });
}

function changeDrive(
  author: Author,
  view: View,
  driveId: DriveId,
  change: (record: DriveRecord) => void,
): Change | null {
  const key = keys.drive(driveId);
  const entry = view.get(key);
  if (entry === null) return null;
  const record = records.DriveRecord.decode(entry.value);
  change(record);
  return {
    id: newChangeId(author),
    purpose: "free",
    compares: [{ key, revision: entry.revision }],
    puts: [{ key, value: records.DriveRecord.encode(record).finish() }],
    deletes: [],
  };
}
