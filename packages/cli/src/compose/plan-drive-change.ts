import { idBytes, idFromBytes, newId, type DriveId, type Random } from "@kakera/kernel";
import { keys, readClusterMap, type Change, type ClusterMap, type View } from "@kakera/metadata";
import { chooseHomes, groupsOf } from "@kakera/placement";
import { records } from "@kakera/protocol";

/** A drive that leaves for good, and the one that takes its place; null: nothing does. */
export interface DriveChange {
  readonly leaving: DriveId | null;
  readonly coming: ComingDrive | null;
}

interface ComingDrive {
  readonly driveId: DriveId;
  readonly weightBytes: number;
  /** 1, 2, ... on the command line. */
  readonly position: number;
  /** Of a node of a cluster: the names of its failure domains. Absent: one machine. */
  readonly located?: { readonly host: string; readonly rack: string | null; readonly zone: string | null };
}

interface Planning {
  readonly view: View;
  readonly random: Random;
  readonly nowMs: number;
}

/** The log bounds a change. */
const groupsPerChange = 64;

/**
 * The next change on the way from the present records to those after a drive left or came; null when nothing is left to do. Each is
 * planned from what the log holds by then, so that a way that was cut short is gone on with. Drives first, then groups.
 */
export function planDriveChange(planning: Planning, change: DriveChange): Change | null {
  return planDriveRecords(planning, change) ?? planGroups(planning, change);
}

function planDriveRecords({ view, random, nowMs }: Planning, { leaving, coming }: DriveChange): Change | null {
  const compares: Change["compares"][number][] = [];
  const puts: Change["puts"][number][] = [];
  const put = (key: Uint8Array, value: Uint8Array): void => {
    compares.push({ key, revision: view.get(key)?.revision ?? 0 });
    puts.push({ key, value });
  };
  const left = leaving === null ? null : view.get(keys.drive(leaving));
  if (leaving !== null && left !== null) {
    const record = records.DriveRecord.decode(left.value);
    if (record.standing !== records.DriveStanding.GONE) {
      record.standing = records.DriveStanding.GONE;
      record.standingSinceMs = nowMs;
      put(keys.drive(leaving), records.DriveRecord.encode(record).finish());
    }
  }
  if (coming !== null && view.get(keys.drive(coming.driveId)) === null) {
    put(
      keys.drive(coming.driveId),
      encodeDrive(coming, { nowMs, level: readClusterMap(view).writePool()?.domainLevel }),
    );
    const cluster = view.get(keys.cluster());
    if (cluster !== null) put(keys.cluster(), withDrive(cluster.value, coming.driveId));
  }
  return puts.length === 0 ? null : { id: newId("change", random), compares, puts, deletes: [], purpose: "free" };
}

function encodeDrive(
  { driveId, weightBytes, position, located }: ComingDrive,
  of: { readonly nowMs: number; readonly level: string | undefined },
): Uint8Array {
  const standing = records.DriveStanding.MEMBER;
  const record = {
    driveId: idBytes(driveId),
    incarnation: 0,
    standing,
    weightBytes,
    domain: of.level === "host" && located !== undefined ? located.host : driveId,
    host: located?.host ?? "",
    rack: located?.rack ?? "",
    zone: located?.zone ?? "",
    position,
    standingSinceMs: of.nowMs,
  };
  return records.DriveRecord.encode(record).finish();
}

function withDrive(cluster: Uint8Array, driveId: DriveId): Uint8Array {
  const record = records.ClusterRecord.decode(cluster);
  const isThere = record.drives.some((bytes) => idFromBytes("drive", bytes) === driveId);
  if (!isThere) record.drives.push(idBytes(driveId));
  return records.ClusterRecord.encode(record).finish();
}

function planGroups({ view, random }: Planning, change: DriveChange): Change | null {
  const map = readClusterMap(view);
  const pool = map.writePool();
  if (pool === null) return null;
  const compares: Change["compares"][number][] = [];
  const puts: Change["puts"][number][] = [];
  for (const group of groupsOf(pool)) {
    if (puts.length === groupsPerChange) break;
    const key = keys.group(pool.pool, group);
    const entry = view.get(key);
    const value = entry === null ? null : movedGroup(entry.value, { map, group, change });
    if (entry === null || value === null) continue;
    compares.push({ key, revision: entry.revision });
    puts.push({ key, value });
  }
  return puts.length === 0 ? null : { id: newId("change", random), compares, puts, deletes: [], purpose: "free" };
}

/** The group's record in its next epoch; null when the change does not touch it. */
function movedGroup(
  value: Uint8Array,
  of: { readonly map: ClusterMap; readonly group: number; readonly change: DriveChange },
): Uint8Array | null {
  const record = records.GroupRecord.decode(value);
  const homes = record.homes.map((bytes) => (bytes.byteLength === 0 ? null : idFromBytes("drive", bytes)));
  const mustMove = homes.map((home) => home === null || (of.map.drive(home)?.standing ?? "GONE") === "GONE");
  if (!mustMove.includes(true)) return null;
  const next = [...homes];
  const came: DriveId[] = [];
  for (const [index, moves] of mustMove.entries()) {
    if (!moves) continue;
    const home = chooseHome(of, next);
    if (home !== null) came.push(home);
    next[index] = home;
  }
  if (next.every((home, index) => home === homes[index])) return null;
  record.epoch += 1;
  record.homes = next.map((home) => (home === null ? new Uint8Array() : idBytes(home)));
  // They hold nothing of the group yet.
  const kept = record.behind.filter(({ driveId }) => next.includes(idFromBytes("drive", driveId ?? new Uint8Array())));
  record.behind = [...kept, ...came.map((driveId) => ({ driveId: idBytes(driveId), sinceRevision: 0 }))];
  return records.GroupRecord.encode(record).finish();
}

/** The drive that came when it is free for this group; else the best of the others; null: vacant. */
function chooseHome(
  { map, group, change }: { readonly map: ClusterMap; readonly group: number; readonly change: DriveChange },
  homes: readonly (DriveId | null)[],
): DriveId | null {
  // What leaves takes no domain any more.
  const staying = homes.flatMap((home) => (home === null ? [] : (map.drive(home) ?? [])));
  const taken = new Set(staying.flatMap(({ standing, domain }) => (standing === "GONE" ? [] : [domain])));
  const isFree = (domain: string | undefined): boolean => domain !== undefined && !taken.has(domain);
  const coming = change.coming?.driveId;
  if (coming !== undefined && !homes.includes(coming) && isFree(map.drive(coming)?.domain)) return coming;
  const free = map
    .drives()
    .filter(({ driveId, domain, isLeaving }) => !isLeaving && !homes.includes(driveId) && isFree(domain))
    .map(({ driveId, domain, weightBytes }) => ({ driveId, domain, weight: weightBytes }));
  return free.length === 0 ? null : (chooseHomes(group, free, 1)[0] ?? null);
}
