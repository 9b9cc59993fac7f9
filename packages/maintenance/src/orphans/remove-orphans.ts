import { ClusterFailure, type DriveId } from "@kakera/kernel";
import { ranges } from "@kakera/metadata";
import type { ShardIdentity, ShardRef } from "@kakera/rpc";
import { answeringDrive, type MaintenanceParts } from "../maintenance-parts.ts";
import { findHolder } from "../references/find-holder.ts";
import { allGarbageBodies } from "../references/garbage-bodies.ts";

/** A shard that a census found on a drive, and no reference to it. */
export interface OrphanCandidate {
  readonly driveId: DriveId;
  readonly identity: ShardIdentity;
}

/**
 * Removes those candidates that are orphans (correctness.md F7, R3, R8): the write that made them is decided (its session is
 * gone, or its number below the session's floor), and in a view at a barrier taken after that no record of their owner
 * names them, nor any garbage. Each condition, once true, is true for ever, so that a delayed removal does no harm.
 * Returns how many shards were removed.
 */
export async function removeOrphans(parts: MaintenanceParts, candidates: readonly OrphanCandidate[]): Promise<number> {
  const decided = candidates.filter(({ identity }) => identity.writeNumber < parts.sessions.floorOf(identity.session));
  if (decided.length === 0) return 0;
  await parts.log.barrier();
  const { view } = parts.log;
  const versions = ranges.table("version");
  // Rows of a later release, which may name bodies in a way that this one does not understand.
  if (view.range(versions.from, versions.to, 1).length > 0) return 0;
  const garbage = allGarbageBodies(view);
  const byDrive = new Map<DriveId, ShardRef[]>();
  for (const { driveId, identity } of decided) {
    const { group, dataId, chunkIndex, shardIndex, ownerBucketId, ownerKey } = identity;
    const owner = { bucketId: ownerBucketId, objectKey: Buffer.from(ownerKey) };
    if (garbage.has(dataId) || findHolder(view, owner, dataId) !== null) continue;
    const refs = byDrive.get(driveId) ?? [];
    refs.push({ group, dataId, chunkIndex, shardIndex });
    byDrive.set(driveId, refs);
  }
  let removed = 0;
  for (const [driveId, refs] of byDrive) removed += await removeFrom(parts, driveId, refs);
  return removed;
}

async function removeFrom(parts: MaintenanceParts, driveId: DriveId, refs: readonly ShardRef[]): Promise<number> {
  const drive = answeringDrive(parts, driveId);
  if (drive === null) return 0;
  try {
    await drive.remove(refs);
  } catch (failure) {
    if (!(failure instanceof ClusterFailure)) throw failure;
    parts.logger.log("warn", "orphans.left", { driveId, count: refs.length, reason: failure.reason });
    return 0;
  }
  parts.metrics.orphanShards.add(refs.length);
  parts.logger.log("info", "orphans.removed", { driveId, count: refs.length });
  return refs.length;
}
