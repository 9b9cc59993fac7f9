import { ClusterFailure, idFromBytes, type DriveId, type TaskId } from "@kakera/kernel";
import { dropGarbage, keys, ranges, type Seen } from "@kakera/metadata";
import { records, type GarbageRecord } from "@kakera/protocol";
import type { ShardRef } from "@kakera/rpc";
import { answeringDrive, authorOf, type MaintenanceParts } from "../maintenance-parts.ts";
import { chunkCount, chunkOf } from "../references/body-ref.ts";
import { bodiesOfGarbage } from "../references/garbage-bodies.ts";
import type { GarbageWatch } from "./garbage-watch.ts";

/** Rows looked at in one round, and rows deleted in one change. */
const rowsPerRound = 10_000;
/** A change is bounded by the log, and a row may take its part table with it. */
const rowsPerChange = 60;
const refsPerRemoval = 4_000;

/**
 * Deletes the shards of dropped records that nobody reads any more, then their rows. A drive that is away keeps its shards:
 * when it is back they are orphans. Returns how many rows are done.
 */
export async function collectGarbage(parts: MaintenanceParts, watch: GarbageWatch): Promise<number> {
  const ripe = watch.ripe(garbageIds(parts));
  let done = 0;
  for (let first = 0; first < ripe.length; first += rowsPerChange) {
    const rows = ripe.slice(first, first + rowsPerChange).flatMap((id) => readRow(parts, id as TaskId));
    for (const row of rows) await removeShards(parts, row.garbage.record);
    const result = await parts.log.commit(dropGarbage(authorOf(parts), rows));
    if (result.outcome === "committed") done += rows.length;
  }
  return done;
}

function garbageIds(parts: MaintenanceParts): string[] {
  const ids: string[] = [];
  const { from, to } = ranges.table("garbage");
  parts.log.view.walk(from, to, (key) => {
    // The row's id follows the table byte.
    ids.push(idFromBytes("task", key.subarray(1)));
    return ids.length === rowsPerRound ? "stop" : "next";
  });
  return ids;
}

function readRow(
  parts: MaintenanceParts,
  id: TaskId,
): { readonly id: TaskId; readonly garbage: Seen<GarbageRecord> }[] {
  const entry = parts.log.view.get(keys.garbage(id));
  if (entry === null) return [];
  return [{ id, garbage: { record: records.GarbageRecord.decode(entry.value), revision: entry.revision } }];
}

/**
 * Every shard at its home and at former homes; and on every other drive too, as substitutes are named by a repair row that
 * went with the record. Drives pass over what they do not hold.
 */
async function removeShards(parts: MaintenanceParts, garbage: GarbageRecord): Promise<void> {
  let refs: ShardRef[] = [];
  for (const body of bodiesOfGarbage(parts.log.view, garbage)) {
    const pool = parts.map.pool(body.pool);
    if (pool === null) continue;
    for (let chunkIndex = 0; chunkIndex < chunkCount(body); chunkIndex++) {
      const { dataId, group, geometry } = chunkOf(body, pool, chunkIndex);
      for (let shardIndex = 0; shardIndex < geometry.k + geometry.m; shardIndex++) {
        refs.push({ group, dataId, chunkIndex, shardIndex });
      }
    }
    if (refs.length >= refsPerRemoval) {
      await removeEverywhere(parts, refs);
      refs = [];
    }
  }
  if (refs.length > 0) await removeEverywhere(parts, refs);
}

/** Rejects with ClusterFailure `retry` when a drive fails on the way, unless it is away by then. */
async function removeEverywhere(parts: MaintenanceParts, refs: readonly ShardRef[]): Promise<void> {
  const removals = parts.map.drives().map(async ({ driveId }) => {
    const drive = answeringDrive(parts, driveId);
    if (drive === null || drive.status().condition === "failed") return;
    try {
      await drive.remove(refs);
    } catch (failure) {
      if (failure instanceof ClusterFailure && !isTaking(parts, driveId)) return;
      throw failure;
    }
  });
  await Promise.all(removals);
  parts.metrics.garbageShards.add(refs.length);
}

function isTaking(parts: MaintenanceParts, driveId: DriveId): boolean {
  const drive = answeringDrive(parts, driveId);
  return drive !== null && drive.status().condition !== "failed";
}
