import { idBytes, idFromBytes, newId, type DriveId } from "@kakera/kernel";
import { keys, ranges, type Change } from "@kakera/metadata";
import { records } from "@kakera/protocol";
import { allGroups } from "../census/all-groups.ts";
import type { MaintenanceParts } from "../maintenance-parts.ts";
import { drivesOfGroup } from "../moves/group-holdings.ts";
import { sealDrives } from "../moves/seal-drives.ts";

/** A change is bounded by the log (etcd: 128 operations). */
const groupsPerChange = 100;
const groupsMax = 1_000_000;
/** Of a group that has never moved: no older one can be written under. */
const firstEpoch = 1;

/**
 * A drive that was declared is a member again. First every group that has it as a home says that it is behind, then it is
 * called a member: so a member that may lack shards is always named as one. Writes leave it out until then, so it is not
 * asked for what it cannot have; from then on they send it theirs, and the census fills in what it missed.
 * Returns false when something changed meanwhile: to be tried again.
 */
export async function takeBack(parts: MaintenanceParts, driveId: DriveId): Promise<boolean> {
  const key = keys.drive(driveId);
  const entry = parts.log.view.get(key);
  if (entry === null) return false;
  const record = records.DriveRecord.decode(entry.value);
  const driveSeen = { key, revision: entry.revision };
  for (let puts = groupsNotBehind(parts, driveId, entry.revision); puts.length > 0;) {
    const compares = [driveSeen, ...puts.map(({ key: groupKey, revision }) => ({ key: groupKey, revision }))];
    const change = {
      ...emptyChange(parts),
      compares,
      puts: puts.map(({ key: groupKey, value }) => ({ key: groupKey, value })),
    };
    if ((await parts.log.commit(change)).outcome !== "committed") return false;
    puts = groupsNotBehind(parts, driveId, entry.revision);
  }
  if (!(await takesEpochs(parts, driveId))) return false;
  record.standing = records.DriveStanding.MEMBER;
  record.standingSinceMs = parts.clock.nowMs();
  const value = records.DriveRecord.encode(record).finish();
  const result = await parts.log.commit({ ...emptyChange(parts), compares: [driveSeen], puts: [{ key, value }] });
  if (result.outcome !== "committed") return false;
  parts.logger.log("info", "drive.taken-back", { driveId });
  return true;
}

/** It may have been away while groups moved: it takes their epochs before anybody writes to it (correctness.md F27). */
async function takesEpochs(parts: MaintenanceParts, driveId: DriveId): Promise<boolean> {
  for (const { pool, group } of allGroups(parts)) {
    const record = parts.map.group(pool.pool, group);
    if (record === null || record.epoch <= firstEpoch || !drivesOfGroup(record).includes(driveId)) continue;
    const sealed = await sealDrives(parts, { group, epoch: record.epoch }, [driveId]);
    if (!sealed.has(driveId)) return false;
  }
  return true;
}

interface GroupPut {
  readonly key: Uint8Array;
  readonly revision: number;
  readonly value: Uint8Array;
}

/** Groups that have the drive as a home and do not name it as behind, with their records made to. */
function groupsNotBehind(parts: MaintenanceParts, driveId: DriveId, sinceRevision: number): GroupPut[] {
  const id = idBytes(driveId);
  const puts: GroupPut[] = [];
  const { from, to } = ranges.table("group");
  let count = 0;
  parts.log.view.walk(from, to, (key, value, revision) => {
    const record = records.GroupRecord.decode(value);
    const isHome = record.homes.some((home) => id.equals(home));
    const isBehind = record.behind.some((entry) => entry.driveId && idFromBytes("drive", entry.driveId) === driveId);
    if (isHome && !isBehind) {
      record.behind.push({ driveId: id, sinceRevision });
      puts.push({ key: Buffer.from(key), revision, value: records.GroupRecord.encode(record).finish() });
    }
    return puts.length === groupsPerChange || ++count === groupsMax ? "stop" : "next";
  });
  return puts;
}

function emptyChange({ random }: MaintenanceParts): Change {
  return { id: newId("change", random), compares: [], puts: [], deletes: [], purpose: "free" };
}
