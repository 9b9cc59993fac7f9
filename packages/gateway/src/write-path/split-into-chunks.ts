import { assert, chunkSizeBytesMax } from "@kakera/kernel";
import { stripeLayout } from "@kakera/erasure";
import type { Pool } from "@kakera/metadata";
import { geometryOf, type BodyForm } from "./choose-homes.ts";
import { appendSizeBytesMax, StripeBuffer } from "./stripe-buffer.ts";
import { ownFileBytesMin, type WriteSettings } from "./write-settings.ts";

/** What one chunk takes of its body. `unknown`: at most `wantedBytes`, less if the body ends. */
export interface ChunkSpan {
  readonly wantedBytes: number;
  readonly end: "known" | "unknown";
}

/** The next chunk's share of what is left of a body; null bytes left = not known. */
export function nextSpan(leftBytes: number | null): ChunkSpan {
  if (leftBytes === null) return { wantedBytes: chunkSizeBytesMax, end: "unknown" };
  return { wantedBytes: Math.min(chunkSizeBytesMax, leftBytes), end: "known" };
}

/** Small bodies are kept as whole copies: one read serves them (architecture.md section 2). */
export function formOf(sizeBytes: number | null, settings: WriteSettings): BodyForm {
  return sizeBytes !== null && sizeBytes <= settings.replicatedBytesMax ? "REPLICATED" : "CODED";
}

/** Bytes of one shard of a chunk, or as many as a buffer holds when it may be larger. */
export function bufferedShardBytes(span: ChunkSpan, k: number): number {
  return Math.min(appendSizeBytesMax, stripeLayout(span.wantedBytes, k).shardSizeBytes);
}

/**
 * All the memory that the write of a body may hold at one moment, so that it is taken at once (F26). A body of long shards
 * has two buffers, one filled while the other is written, and two spare slabs for each drive that may hang: at a chunk's end
 * one append is under way and another waits behind it.
 */
export function memoryNeeded(pool: Pool, sizeBytes: number | null, settings: WriteSettings): number {
  const geometry = geometryOf(pool, formOf(sizeBytes, settings));
  const shardBytes = bufferedShardBytes(nextSpan(sizeBytes), geometry.k);
  const bufferBytes = StripeBuffer.sizeBytes(geometry, shardBytes);
  if (shardBytes < ownFileBytesMin) return bufferBytes;
  // With k = 1 the two buffers are less than what rebuilding a shard for a substitute takes.
  const rebuildBytes = (geometry.k + 1) * appendSizeBytesMax;
  const headBytes = sizeBytes === null ? headSizeBytes(settings) : 0;
  return Math.max(2 * bufferBytes, rebuildBytes) + 2 * geometry.m * appendSizeBytesMax + headBytes;
}

/** A body of unknown length is read so far before its form is decided. */
export function headSizeBytes(settings: WriteSettings): number {
  assert(settings.replicatedBytesMax < appendSizeBytesMax, "what is replicated fits into one slab");
  return settings.replicatedBytesMax + 1;
}
