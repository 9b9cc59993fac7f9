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
  /** Segments that the last run left open. */
  readonly open: readonly OpenSegment[];
  readonly nextSequence: number;
}

export interface OpenSegment {
  readonly segmentId: number;
  readonly content: SegmentContent;
}

/** Brings the index up to what the segments hold. Those that it knows as sealed are not read again. */
export async function recoverSegments(parts: RecoveryParts): Promise<RecoveredSegments> {
  const { index } = parts;
  const present = await listSegments(parts.disk);
  dropLostSegments(parts, present);
  const open: OpenSegment[] = [];
  let { nextSequence } = index.state;
  for (const segmentId of present) {
    if ((index.uses().get(segmentId)?.sizeBytes ?? 0) > 0) continue;
    const content = await scanOne(parts, segmentId);
    nextSequence = Math.max(nextSequence, content.nextSequence);
    index.applyBatch({ segmentId, entries: content.entries, nextSequence });
    if (content.isSealed)
      index.sealSegment(segmentId, { sizeBytes: content.sizeBytes, recordBytes: bytesOf(content.entries) });
    else open.push({ segmentId, content });
    noteDamage(parts, segmentId, content.damageCount);
  }
  return { open, nextSequence };
}

function dropLostSegments({ index, logger }: RecoveryParts, present: readonly number[]): void {
  const there = new Set(present);
  const lost = [...index.uses().keys()].filter((segmentId) => !there.has(segmentId));
  if (lost.length === 0) return;
  // Unlinked by a compaction that the last run did not finish; or taken away behind our back.
  logger.log("warn", "segment.gone", { segments: lost });
  index.dropLostSegments(new Set(lost));
}

function noteDamage({ metrics, logger }: RecoveryParts, segmentId: number, damageCount: number): void {
  if (damageCount === 0) return;
  for (let count = 0; count < damageCount; count++) metrics.bitrotFound();
  logger.log("error", "segment.damaged", { segmentId, places: damageCount });
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

/** Seals a segment that was left open, once its tail is safe elsewhere; removes it when it holds nothing. */
export async function closeOpenSegment(parts: RecoveryParts, { segmentId, content }: OpenSegment): Promise<void> {
  const { disk, index } = parts;
  if (content.entries.length === 0 && content.damageCount === 0) {
    await disk.unlink(segmentPath(segmentId));
    await disk.syncDirectory(segmentFolder);
    index.dropSegment(segmentId);
    return;
  }
  const file = await disk.open(segmentPath(segmentId), { access: "write", isSynchronous: true });
  const seed = seedOf(parts.driveId, segmentId);
  const sizes = await sealFile(file, tableOf(content.entries), { seed, endOffset: content.endOffset });
  index.sealSegment(segmentId, sizes);
}

async function scanOne(parts: RecoveryParts, segmentId: number): Promise<SegmentContent> {
  const file = await parts.disk.open(segmentPath(segmentId), { access: "read" });
  try {
    return await scanSegment(file, parts.driveId, segmentId);
  } finally {
    await file.close();
  }
}

function bytesOf(entries: readonly RecordEntry[]): number {
  return entries.reduce((sum, entry) => sum + recordBytesOf(entry), 0);
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
