import { type Disk, type DriveId, type Logger } from "@kakera/kernel";
import type { ShardIndex } from "../index/shard-index.ts";
import type { DriveMetrics } from "../metrics.ts";
import { containerSeed } from "../record/container-seed.ts";
import { recordBytesOf, type RecordEntry } from "../record/record-entry.ts";
import { readWholeRecord, type WholeRecord } from "../record/whole-record.ts";
import { sealFile } from "../segment/active-segment.ts";
import { pendingCopy, type PendingRecord } from "../segment/pending-record.ts";
import { segmentFolder, segmentIdOf, segmentPath } from "../segment/segment-header.ts";
import { TableBuilder } from "../segment/segment-table.ts";
import { scanSegment, type SegmentContent } from "./scan-segment.ts";

export interface RecoveryParts {
  readonly disk: Disk;
  readonly driveId: DriveId;
  readonly index: ShardIndex;
  readonly metrics: DriveMetrics;
  readonly logger: Logger;
}

export interface RecoveredSegments {
  /** Sealed segments and their sizes in bytes. */
  readonly sizes: Map<number, number>;
  /** Segments that the last run left open. */
  readonly open: readonly OpenSegment[];
  readonly nextSequence: number;
}

export interface OpenSegment {
  readonly segmentId: number;
  readonly content: SegmentContent;
}

/** Brings the index up to what the segments hold. Segments older than the one it has come to are not read again. */
export async function recoverSegments(parts: RecoveryParts): Promise<RecoveredSegments> {
  const sizes = new Map<number, number>();
  const open: OpenSegment[] = [];
  const indexedUpTo = parts.index.state.segmentId;
  let nextSequence = parts.index.state.nextSequence;
  for (const segmentId of await listSegments(parts.disk)) {
    if (segmentId < indexedUpTo) {
      sizes.set(segmentId, (await parts.disk.stat(segmentPath(segmentId)))?.sizeBytes ?? 0);
      continue;
    }
    const content = await scanOne(parts, segmentId);
    nextSequence = Math.max(nextSequence, content.nextSequence);
    parts.index.applyBatch({ segmentId, entries: content.entries, nextSequence });
    if (content.isSealed) sizes.set(segmentId, content.sizeBytes);
    else open.push({ segmentId, content });
    for (let count = 0; count < content.damageCount; count++) parts.metrics.bitrotFound();
    if (content.damageCount > 0)
      parts.logger.log("error", "segment.damaged", { segmentId, places: content.damageCount });
  }
  return { sizes, open, nextSequence };
}

/**
 * The whole records of the last batch of a segment that was left open, to be written again. Whether they were durable is
 * not known: after a failed sync the page cache may show what the disk does not hold, and what is once said to be here
 * must still be here after the next power cut.
 */
export async function readTail(parts: RecoveryParts, { segmentId, content }: OpenSegment): Promise<PendingRecord[]> {
  const file = await parts.disk.open(segmentPath(segmentId), { access: "read" });
  try {
    const records: PendingRecord[] = [];
    for (const entry of content.tail) {
      const bytes = Buffer.alloc(recordBytesOf(entry));
      await file.read(bytes, entry.offset);
      const record: WholeRecord | null = readWholeRecord(bytes, seedOf(parts.driveId, segmentId), entry.offset);
      if (record !== null) records.push(pendingCopy(record));
    }
    return records;
  } finally {
    await file.close();
  }
}

/** Seals a segment that was left open, once its tail is safe elsewhere; removes it when it holds nothing. Returns its size. */
export async function closeOpenSegment(
  parts: RecoveryParts,
  { segmentId, content }: OpenSegment,
): Promise<number | null> {
  if (content.entries.length === 0 && content.damageCount === 0) {
    await parts.disk.unlink(segmentPath(segmentId));
    await parts.disk.syncDirectory(segmentFolder);
    return null;
  }
  const file = await parts.disk.open(segmentPath(segmentId), { access: "write", isSynchronous: true });
  return sealFile(file, tableOf(content.entries), {
    seed: seedOf(parts.driveId, segmentId),
    endOffset: content.endOffset,
  });
}

async function scanOne(parts: RecoveryParts, segmentId: number): Promise<SegmentContent> {
  const file = await parts.disk.open(segmentPath(segmentId), { access: "read" });
  try {
    return await scanSegment(file, seedOf(parts.driveId, segmentId));
  } finally {
    await file.close();
  }
}

function tableOf(entries: readonly RecordEntry[]): TableBuilder {
  const table = new TableBuilder();
  for (const entry of entries) table.add(entry);
  return table;
}

function seedOf(driveId: DriveId, segmentId: number): number {
  return containerSeed(driveId, { kind: "segment", segmentId });
}

async function listSegments(disk: Disk): Promise<number[]> {
  const names = await disk.list(segmentFolder);
  return names
    .map(segmentIdOf)
    .filter((id) => id !== null)
    .sort((a, b) => a - b);
}
