import { alignUp, type DiskFile, type DriveId } from "@kakera/kernel";
import { batchHeaderBytes, decodeBatchHeader, type BatchHeader } from "../segment/batch-header.ts";
import { decodeSegmentHeader, segmentBlockBytes } from "../segment/segment-header.ts";
import { decodeTable, decodeTrailer, trailerBytes } from "../segment/segment-table.ts";
import { entryBytes, entryOf, recordBytesOf, type RecordEntry } from "../record/record-entry.ts";
import { decodeRecordHead, headBytesMax } from "../record/record-head.ts";
import { containerSeed } from "../record/container-seed.ts";
import { FileWindow, isUnreadable } from "./file-window.ts";
import { payloadAgrees } from "./payload-check.ts";
import { readWholeRecord, type WholeRecord } from "../record/whole-record.ts";

/** What is in a segment's file. */
export interface SegmentContent {
  readonly isSealed: boolean;
  /** Records that were durable: those of the table, or of all batches but the last. */
  readonly entries: readonly RecordEntry[];
  /** Of a segment that is not sealed: records of the last batch that are whole, payload and all. The rest of it was never acknowledged. */
  readonly tail: readonly RecordEntry[];
  /** Places where a record should be and none could be read. */
  readonly damageCount: number;
  /** A block's start after which the file holds nothing that counts. */
  readonly endOffset: number;
  readonly nextSequence: number;
  readonly sizeBytes: number;
}

/** Reads the table of a sealed segment, or goes through the records of one that is not. */
export async function scanSegment(file: DiskFile, driveId: DriveId, segmentId: number): Promise<SegmentContent> {
  const seed = containerSeed(driveId, { kind: "segment", segmentId });
  const window = new FileWindow(file, await file.sizeBytes());
  const content = (await readTable(window, seed)) ?? (await scanRecords(window, seed));
  const header = decodeSegmentHeader(await readFirstBlock(file), driveId, segmentId);
  const isBlank = content.entries.length === 0 && content.tail.length === 0;
  return {
    ...content,
    nextSequence: Math.max(content.nextSequence, header?.firstSequence ?? 1),
    // A file that was made when the process died has neither header nor content.
    damageCount: content.damageCount + (header === null && !isBlank ? 1 : 0),
  };
}

async function readFirstBlock(file: DiskFile): Promise<Buffer> {
  const block = Buffer.alloc(segmentBlockBytes);
  const readBytes = await file.read(block, 0).catch((error: unknown) => {
    if (!isUnreadable(error)) throw error;
    return 0;
  });
  return block.subarray(0, readBytes);
}

async function readTable(window: FileWindow, seed: number): Promise<SegmentContent | null> {
  const { sizeBytes } = window;
  if (sizeBytes < segmentBlockBytes + trailerBytes) return null;
  const trailer = decodeTrailer(await window.bytes(sizeBytes - trailerBytes, trailerBytes), seed, sizeBytes);
  if (trailer === null || trailer.tableOffset + trailer.entryCount * entryBytes > sizeBytes) return null;
  const entries = decodeTable(await window.bytes(trailer.tableOffset, trailer.entryCount * entryBytes), trailer, seed);
  if (entries === null) return null;
  const nextSequence = entries.reduce((next, entry) => Math.max(next, entry.sequence + 1), 1);
  return { isSealed: true, entries, tail: [], damageCount: 0, endOffset: trailer.tableOffset, nextSequence, sizeBytes };
}

async function scanRecords(window: FileWindow, seed: number): Promise<SegmentContent> {
  const entries: RecordEntry[] = [];
  const tail: RecordEntry[] = [];
  let damageCount = 0;
  let nextSequence = 1;
  let endOffset = segmentBlockBytes;
  for (const stretch of await findStretches(window, seed)) {
    const found = await walkRecords(window, seed, stretch);
    if (stretch.kind === "durable") {
      entries.push(...found.entries);
      damageCount += found.damageCount;
    } else tail.push(...found.entries);
    nextSequence = Math.max(nextSequence, found.nextSequence);
    if (stretch.header !== null || found.entries.length > 0) endOffset = stretch.endOffset;
  }
  return { isSealed: false, entries, tail, damageCount, endOffset, nextSequence, sizeBytes: window.sizeBytes };
}

/**
 * A stretch of the file that holds one batch; or, without a header, whatever lies between two batches, or after the last.
 * `torn`: the last batch, of which the sync may never have ended, and what follows it.
 */
interface Stretch {
  readonly kind: "durable" | "torn";
  readonly header: BatchHeader | null;
  readonly offset: number;
  readonly endOffset: number;
}

async function findStretches(window: FileWindow, seed: number): Promise<Stretch[]> {
  const found: Omit<Stretch, "kind">[] = [];
  let gapOffset: number | null = null;
  let offset = segmentBlockBytes;
  while (offset < window.sizeBytes) {
    const header = decodeBatchHeader(await window.bytes(offset, batchHeaderBytes), seed, offset);
    if (header === null) {
      gapOffset ??= offset;
      offset += segmentBlockBytes;
      continue;
    }
    if (gapOffset !== null) found.push({ header: null, offset: gapOffset, endOffset: offset });
    gapOffset = null;
    const endOffset = offset + Math.max(segmentBlockBytes, alignUp(header.batchBytes, segmentBlockBytes));
    found.push({ header, offset, endOffset });
    offset = endOffset;
  }
  if (gapOffset !== null) found.push({ header: null, offset: gapOffset, endOffset: window.sizeBytes });
  const last = found.findLastIndex((stretch) => stretch.header !== null);
  return found.map((stretch, index) => ({ ...stretch, kind: index < last ? "durable" : "torn" }));
}

interface WalkedRecords {
  readonly entries: RecordEntry[];
  readonly damageCount: number;
  readonly nextSequence: number;
}

async function walkRecords(window: FileWindow, seed: number, stretch: Stretch): Promise<WalkedRecords> {
  const entries: RecordEntry[] = [];
  const { header, kind } = stretch;
  const endOffset = header === null ? stretch.endOffset : stretch.offset + header.batchBytes;
  let offset = stretch.offset + batchHeaderBytes;
  let nextSequence = header?.nextSequence ?? 1;
  // Batches follow each other without a gap, so that one between two of them is a batch whose header is damaged.
  let damageCount = header === null ? 1 : 0;
  let isInStep = true;
  while (offset < endOffset) {
    const record = await recordAt(window, seed, offset);
    if (record === null) {
      // After the last batch lies, for up to the segment's whole size, what was never written.
      if (header === null && kind === "torn") break;
      // Records begin at multiples of 8: after a damaged one the next is looked for.
      if (isInStep && header !== null) damageCount += 1;
      isInStep = false;
      offset += 8;
      continue;
    }
    isInStep = true;
    nextSequence = Math.max(nextSequence, record.entry.sequence + 1);
    if (kind === "durable" || isWhole(record)) entries.push(record.entry);
    offset += recordBytesOf(record.entry);
  }
  return { entries, damageCount, nextSequence };
}

async function recordAt(window: FileWindow, seed: number, offset: number): Promise<WholeRecord | null> {
  const head = decodeRecordHead(await window.bytes(offset, headBytesMax), seed);
  if (head === null) return null;
  const lengthBytes = recordBytesOf(entryOf(head, offset));
  return readWholeRecord(await window.bytes(offset, lengthBytes), seed, offset);
}

function isWhole(record: WholeRecord): boolean {
  return record.tail === null || payloadAgrees(record.entry.ref, record.payload, record.tail.blockChecksums);
}
