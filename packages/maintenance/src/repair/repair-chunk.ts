import { assert, ClusterFailure, type DataId } from "@kakera/kernel";
import { dropRepair, readRepair } from "@kakera/metadata";
import { rebuildShard, rebuildWindowBytes, type ShardIdentity, type ShardSource } from "@kakera/rpc";
import { answeringDrive, authorOf, takingDrive, type MaintenanceParts } from "../maintenance-parts.ts";
import { chunkOf, type ChunkRef, type Owner } from "../references/body-ref.ts";
import { findHolder, type Holder } from "../references/find-holder.ts";
import { sealDrives } from "../moves/seal-drives.ts";
import { WorkAreas } from "../work-areas.ts";
import { inspectChunk, noSuspicions, type InspectedChunk } from "./inspect-chunk.ts";
import { planRepair, type RepairPlan } from "./plan-repair.ts";
import type { RepairBacklog, RepairItem } from "./repair-backlog.ts";

export interface RepairParts extends MaintenanceParts {
  readonly backlog: RepairBacklog;
  /** Awaited before each window of a rebuild, with the bytes that it makes. */
  readonly pace: (bytes: number) => Promise<void>;
}

/**
 * - `whole`: every home holds its shard, and nothing is left over
 * - `gone`: no record names the chunk any more
 * - `waiting`: a home is away, or something changed meanwhile: to be tried again
 * - `lost`: fewer than k shards are left
 */
export type RepairOutcome = "whole" | "gone" | "waiting" | "lost";

/** Makes a chunk whole, as far as its homes are there. Rejects with ClusterFailure `retry` when a drive or the log fails. */
export async function repairChunk(parts: RepairParts, item: RepairItem): Promise<RepairOutcome> {
  const owner = item.owner ?? (await learnOwner(parts, item));
  if (owner === null) return "waiting";
  item.owner = owner;
  // What is written below is for a record that is there now; a lost race leaves an orphan, no more (F26).
  await parts.log.barrier();
  const holder = findHolder(parts.log.view, owner, item.dataId);
  if (holder === null) return "gone";
  const chunk = chunkOfHolder(parts, holder, item.chunkIndex);
  if (chunk === null) return "gone";
  const before = await inspectChunk(parts, { chunk, pool: holder.body.pool }, item);
  const plan = planRepair(before.shards, chunk.geometry.k);
  item.spareShards = plan.spareShards;
  if (plan.kind === "wait") return "waiting";
  if (plan.kind === "lost") return "lost";
  for (const shardIndex of plan.rebuild) {
    await rebuildAtHome(parts, before, shardIndex);
    item.damaged.delete(shardIndex);
  }
  if (plan.waiting.length > 0) return "waiting";
  const after = plan.kind === "whole" ? before : await inspectChunk(parts, { chunk, pool: holder.body.pool }, item);
  return tidyUp(parts, { owner, chunk: after, plan: planRepair(after.shards, chunk.geometry.k) });
}

function chunkOfHolder(parts: RepairParts, { body }: Holder, chunkIndex: number): ChunkRef | null {
  const pool = parts.map.pool(body.pool);
  assert(pool !== null, "a record names a pool that exists");
  const count = Math.ceil(body.sizeBytes / chunkOf(body, pool, 0).chunkSizeBytes);
  return chunkIndex < Math.max(1, count) ? chunkOf(body, pool, chunkIndex) : null;
}

/** A finding names a shard only; the headers of its siblings name the owner. */
async function learnOwner(parts: RepairParts, { group, dataId, chunkIndex }: RepairItem): Promise<Owner | null> {
  for (const { driveId } of parts.map.drives()) {
    const drive = answeringDrive(parts, driveId);
    if (drive === null) continue;
    try {
      const after = { group, dataId, chunkIndex, shardIndex: 0 };
      const first = await drive.describe(after);
      const [next] = first === null ? await drive.inventory({ group, after, limit: 1 }) : [first];
      if (next?.identity.dataId !== dataId) continue;
      return { bucketId: next.identity.ownerBucketId, objectKey: Buffer.from(next.identity.ownerKey) };
    } catch (failure) {
      if (!(failure instanceof ClusterFailure)) throw failure;
    }
  }
  return null;
}

async function rebuildAtHome(parts: RepairParts, inspected: InspectedChunk, shardIndex: number): Promise<void> {
  const { chunk, pool, epoch, homes, description } = inspected;
  const target = takingDrive(parts, homes[shardIndex] ?? null);
  if (target === null)
    throw new ClusterFailure("retry", "a home went away before its shard was made", { reason: "DRIVE_OFFLINE" });
  assert(description !== null, "a chunk that can be mended has a shard somewhere");
  const { k, m } = chunk.geometry;
  const { session, writeNumber, ownerBucketId, ownerKey } = description.identity;
  const { group, dataId, chunkIndex } = chunk;
  const identity: ShardIdentity = {
    group,
    dataId,
    chunkIndex,
    shardIndex,
    pool,
    epoch,
    k,
    m,
    session,
    writeNumber,
    ownerBucketId,
    ownerKey,
  };
  using work = new WorkAreas(parts.memory, k + m + 1, rebuildWindowBytes);
  await rebuildShard(parts.codec, {
    identity,
    target,
    purpose: "repair",
    chunkSizeBytes: chunk.chunkSizeBytes,
    shardSizeBytes: chunk.shardSizeBytes,
    shardDigests: description.shardDigests,
    sources: sourcesOf(parts, inspected),
    work: work.areas,
    onBusyArea: (area, released) => work.keepBusy(area, released),
    pace: parts.pace,
    onBadSource: (source, why) => {
      if (why === "damaged")
        parts.backlog.report({
          ref: { group, dataId, chunkIndex, shardIndex: source.shardIndex },
          driveId: source.drive.driveId,
          why,
        });
    },
  });
  parts.metrics.repairBytes.add(chunk.shardSizeBytes);
  parts.metrics.repairedAt.set(parts.clock.nowMs() / 1000);
  parts.logger.log("info", "shard.rebuilt", { dataId, chunkIndex, shardIndex, driveId: target.driveId });
}

/** Sound shards at their homes first, then those elsewhere. The one that is damaged at its home is no source. */
function sourcesOf(parts: RepairParts, { shards, homes }: InspectedChunk): ShardSource[] {
  const atHome = shards.flatMap(({ home }, shardIndex) => {
    const drive = home === "holds" ? answeringDrive(parts, homes[shardIndex] ?? null) : null;
    return drive === null ? [] : [{ shardIndex, drive }];
  });
  const elsewhere = shards.flatMap((shard, shardIndex) =>
    shard.elsewhere.flatMap((driveId) => {
      const drive = answeringDrive(parts, driveId);
      return drive === null ? [] : [{ shardIndex, drive }];
    }),
  );
  return [...atHome, ...elsewhere];
}

/** The repair row goes when all of its chunks are whole, and then the copies that it named. */
async function tidyUp(
  parts: RepairParts,
  of: { readonly owner: Owner; readonly chunk: InspectedChunk; readonly plan: RepairPlan },
): Promise<RepairOutcome> {
  if (of.plan.kind !== "whole") return "waiting";
  const { chunk } = of.chunk;
  if (readRepair(parts.log.view, chunk.dataId) !== null) return settleRow(parts, of.owner, chunk.dataId);
  await removeSurplus(parts, of.chunk, of.plan);
  return "whole";
}

async function settleRow(parts: RepairParts, owner: Owner, dataId: DataId): Promise<RepairOutcome> {
  await parts.log.barrier();
  const row = readRepair(parts.log.view, dataId);
  if (row === null) return "waiting";
  const holder = findHolder(parts.log.view, owner, dataId);
  const pool = holder === null ? null : parts.map.pool(holder.body.pool);
  if (holder === null || pool === null) return "gone";
  const proved: { readonly inspected: InspectedChunk; readonly plan: RepairPlan }[] = [];
  for (const places of row.record.chunks) {
    const chunk = chunkOf(holder.body, pool, places.chunkIndex ?? 0);
    const inspected = await inspectChunk(parts, { chunk, pool: pool.pool }, noSuspicions);
    const plan = planRepair(inspected.shards, chunk.geometry.k);
    if (plan.kind !== "whole") {
      parts.backlog.add({
        dataId,
        chunkIndex: chunk.chunkIndex,
        group: chunk.group,
        owner,
        spareShards: plan.spareShards,
      });
      return "waiting";
    }
    proved.push({ inspected, plan });
  }
  const groups = new Map(proved.map(({ inspected }) => [inspected.chunk.group, inspected.groupCompare]));
  const change = dropRepair(authorOf(parts), dataId, { repair: row, groups: [...groups.values()] });
  const result = await parts.log.commit(change);
  if (result.outcome === "refused") return "waiting";
  for (const { inspected, plan } of proved) await removeSurplus(parts, inspected, plan);
  return "whole";
}

/**
 * Only while the group is in the epoch in which its homes were found to hold the chunk: sealed at it, they and the drive refuse this when a
 * move has begun since, to which that very copy may be the one at home (correctness.md R4, R5).
 */
async function removeSurplus(parts: RepairParts, inspected: InspectedChunk, plan: RepairPlan): Promise<void> {
  const { chunk, epoch, homes } = inspected;
  const { group, dataId, chunkIndex } = chunk;
  if (plan.surplus.length === 0) return;
  const holders = [...homes, ...plan.surplus.map(({ driveId }) => driveId)].filter((driveId) => driveId !== null);
  const sealed = await sealDrives(parts, { group, epoch }, holders);
  if (!holders.every((driveId) => sealed.has(driveId)))
    throw new ClusterFailure("retry", "drives are not at the epoch in which a copy was found to be needless");
  for (const { shardIndex, driveId } of plan.surplus)
    await answeringDrive(parts, driveId)?.removeAtEpoch([{ group, dataId, chunkIndex, shardIndex }], epoch);
}
