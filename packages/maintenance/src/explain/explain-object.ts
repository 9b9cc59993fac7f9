import { ClusterFailure, idFromBytes, type DriveId } from "@kakera/kernel";
import { readBucket, readObject } from "@kakera/metadata";
import type { MaintenanceParts } from "../maintenance-parts.ts";
import { chunkCount, chunkOf } from "../references/body-ref.ts";
import { bodiesNamedBy } from "../references/walk-references.ts";
import { explainChunk, type ChunkExplanation } from "./explain-chunk.ts";

/** What is asked of one object. */
export interface ExplainCall {
  readonly bucket: string;
  readonly objectKey: Uint8Array;
  /** `headers`: what each shard's header and footer say; `blocks`: every byte is read and verified. */
  readonly reads: "headers" | "blocks";
  /** Chunks of the object that are left out: it is looked at piece by piece. Absent: none. */
  readonly firstChunk?: number;
  /** The first so many chunks of those. */
  readonly chunksMax: number;
}

/** Where an object is, and what proves it. */
export interface ObjectExplanation {
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  readonly revision: number;
  /** Parts of its multipart upload; 0: it came in one piece. */
  readonly partCount: number;
  /** Bytes that live in the record itself. */
  readonly inlineBytes: number;
  readonly chunkCount: number;
  readonly chunks: readonly ChunkExplanation[];
  /** Of every drive that a shard was looked for on: when its last whole scrub ended; null: never. */
  readonly scrubbedMs: ReadonlyMap<DriveId, number | null>;
}

/**
 * Looks for every shard of an object on the drives. Behind a barrier. null: there is no such bucket or object. Rejects with ClusterFailure
 * `retry` when the log is out of reach; a drive that is, is an answer.
 */
export async function explainObject(parts: MaintenanceParts, call: ExplainCall): Promise<ObjectExplanation | null> {
  const { log, map, positions } = parts;
  await log.barrier();
  const bucket = readBucket(log.view, call.bucket);
  if (bucket === null) return null;
  const seen = readObject(log.view, idFromBytes("bucket", bucket.record.bucketId), call.objectKey);
  if (seen === null) return null;
  const bodies = bodiesNamedBy(log.view, seen.record);
  const chunks: ChunkExplanation[] = [];
  let left = call.firstChunk ?? 0;
  for (const body of bodies) {
    const pool = map.pool(body.pool);
    if (pool === null) throw new ClusterFailure("retry", "a pool is not known here yet", { reason: "VIEW_BEHIND" });
    const first = Math.min(left, chunkCount(body));
    left -= first;
    for (let index = first; index < chunkCount(body) && chunks.length < call.chunksMax; index++)
      chunks.push(await explainChunk(parts, { chunk: chunkOf(body, pool, index), pool: pool.pool }, call.reads));
  }
  const driveIds = new Set(
    chunks.flatMap(({ shards }) => shards.flatMap(({ places }) => places.map(({ driveId }) => driveId))),
  );
  const scrubbedMs = new Map<DriveId, number | null>();
  for (const driveId of driveIds) scrubbedMs.set(driveId, (await positions.load(driveId))?.endedMs ?? null);
  const { record } = seen;
  return {
    sizeBytes: record.sizeBytes,
    modifiedMs: record.modifiedMs,
    revision: seen.revision,
    partCount: record.partCount,
    inlineBytes: bodies.length === 0 ? record.sizeBytes : 0,
    chunkCount: bodies.reduce((sum, body) => sum + chunkCount(body), 0),
    chunks,
    scrubbedMs,
  };
}
