import type { DriveId } from "@kakera/kernel";
import type { ClusterMap } from "@kakera/metadata";
import { groupsOf } from "@kakera/placement";
import type { DriveStatus, ShardDrive } from "@kakera/rpc";

export interface GroupQuorums {
  /** Every group can give k shards of what it holds. */
  readonly canRead: boolean;
  /** Every group can take k shards: below that no write is accepted. */
  readonly canWrite: boolean;
}

/** Judges every placement group of the pool that is written to by the drives that answer. Pure. */
export function judgeQuorums(map: ClusterMap, drives: ReadonlyMap<DriveId, Pick<ShardDrive, "status">>): GroupQuorums {
  const pool = map.writePool();
  if (pool === null) return { canRead: false, canWrite: false };
  const readable = new Set<DriveId>();
  const writable = new Set<DriveId>();
  for (const [driveId, drive] of drives) {
    const { condition } = drive.status();
    if (condition !== "offline") readable.add(driveId);
    if (takesShards(condition)) writable.add(driveId);
  }
  const { k } = pool.geometry;
  let canRead = true;
  for (const group of groupsOf(pool)) {
    const homes = map.group(pool.pool, group)?.homes ?? [];
    canRead = homes.filter((home) => home !== null && readable.has(home)).length >= k;
    if (!canRead) break;
  }
  // Any drive may stand in for a home, so that it is their number that counts.
  return { canRead, canWrite: writable.size >= k };
}

function takesShards(condition: DriveStatus["condition"]): boolean {
  return condition === "online" || condition === "suspect";
}
