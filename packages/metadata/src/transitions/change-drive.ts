import { assert, idBytes, idFromBytes, type DriveId } from "@kakera/kernel";
import { records, type DriveRecord } from "@kakera/protocol";
import { keys } from "../key-space.ts";
import type { Change } from "../ports/commit-log.ts";
import type { View } from "../ports/view.ts";
import { newChangeId, type Author } from "./transition.ts";

/** What is written down of a drive that comes. */
export interface NewDrive {
  readonly driveId: DriveId;
  readonly weightBytes: number;
  readonly domain: string;
  /** "" where it is not known: of a drive that stands for itself. */
  readonly host: string;
  readonly rack: string;
  readonly zone: string;
  readonly nowMs: number;
}

/** A member that holds nothing yet; the cluster's list names it from now on. */
export function addDrive(author: Author, view: View, { driveId, nowMs, ...located }: NewDrive): Change {
  const [driveKey, clusterKey] = [keys.drive(driveId), keys.cluster()];
  const entry = view.get(clusterKey);
  assert(entry !== null, "only a cluster that is formed can grow");
  const cluster = records.ClusterRecord.decode(entry.value);
  const isListed = cluster.drives.some((bytes) => idFromBytes("drive", bytes) === driveId);
  if (!isListed) cluster.drives.push(idBytes(driveId));
  const record = {
    ...located,
    driveId: idBytes(driveId),
    incarnation: 0,
    standing: records.DriveStanding.MEMBER,
    position: cluster.drives.length,
    standingSinceMs: nowMs,
  };
  return {
    id: newChangeId(author),
    purpose: "free",
    compares: [
      { key: driveKey, revision: 0 },
      { key: clusterKey, revision: entry.revision },
    ],
    puts: [
      { key: driveKey, value: records.DriveRecord.encode(record).finish() },
      { key: clusterKey, value: records.ClusterRecord.encode(cluster).finish() },
    ],
    deletes: [],
  };
}

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
