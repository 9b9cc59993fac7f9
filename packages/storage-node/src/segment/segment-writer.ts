import {
  alignedBuffer,
  alignUp,
  ClusterFailure,
  KIB,
  MIB,
  type Clock,
  type Disk,
  type DriveId,
  type Failpoints,
} from "@kakera/kernel";
import type { ShardRef } from "@kakera/rpc";
import type { DriveHealth } from "../health/drive-health.ts";
import type { DriveMetrics } from "../metrics.ts";
import type { RecordEntry } from "../record/record-entry.ts";
import {
  closeFilesOf,
  createSegment,
  directFileOf,
  sealFile,
  type ActiveSegment,
  type SealedSizes,
} from "./active-segment.ts";
import { batchHeaderBytes, encodeBatchHeader } from "./batch-header.ts";
import { BatchMarks } from "./batch-marks.ts";
import { encodePending, pendingBytes, type PendingRecord } from "./pending-record.ts";
import { segmentBlockBytes, segmentPath } from "./segment-header.ts";

export interface SegmentWriterParts {
  readonly disk: Disk;
  readonly driveId: DriveId;
  readonly clock: Clock;
  readonly failpoints: Failpoints;
  readonly metrics: DriveMetrics;
  readonly health: DriveHealth;
  readonly segmentSizeBytes: number;
  readonly directBytesMin: number;
  /** The sequence number of the shard's live record, if there is one. */
  readonly liveSequence: (ref: ShardRef) => number | null;
  /** A batch is durable: index it. Synchronous, so that no read sees half of it. */
  readonly onDurable: (batch: DurableBatch) => void;
  /** A segment's file has been made. */
  readonly onBegun: (segmentId: number) => void;
  /** A segment has been sealed. */
  readonly onSealed: (segmentId: number, sizes: SealedSizes) => void;
}

export interface DurableBatch {
  readonly segmentId: number;
  readonly entries: readonly RecordEntry[];
  readonly nextSequence: number;
  /** It went through the page cache, and lies there. */
  readonly isCached: boolean;
}

/** Where the drive's numbering goes on. */
export interface WriterPosition {
  readonly nextSegmentId: number;
  readonly nextSequence: number;
}

interface GatheredBatch {
  readonly entries: readonly RecordEntry[];
  /** Header and records. */
  readonly bytes: number;
  readonly hasCopies: boolean;
}

/** Few sizes, so that few buffers are made until the largest is found: doubled up to 1 MiB, then by 1 MiB. */
function gatheredBytesFor(batchBytes: number): number {
  if (batchBytes > MIB) return alignUp(batchBytes, MIB);
  return Math.max(64 * KIB, 2 ** Math.ceil(Math.log2(batchBytes)));
}

/** Appends batches of records to the active segment, one batch at a time. */
export class SegmentWriter {
  readonly #parts: SegmentWriterParts;
  #active: ActiveSegment | null = null;
  /** Segments that are written no more, and could not be sealed when their time came. */
  #unsealed: ActiveSegment[] = [];
  #nextSegmentId: number;
  #nextSequence: number;
  #gathered: Buffer = Buffer.alloc(0);

  constructor(parts: SegmentWriterParts, position: WriterPosition) {
    this.#parts = parts;
    this.#nextSegmentId = position.nextSegmentId;
    this.#nextSequence = position.nextSequence;
  }

  get activeSegmentId(): number | null {
    return this.#active?.header.segmentId ?? null;
  }

  /** For a shard in a file of its own, which is numbered like the rest. */
  takeSequence(): number {
    return this.#nextSequence++;
  }

  /** Rejects with what the drive's health concludes; then none of the records may be believed to be there. */
  async write(records: readonly PendingRecord[]): Promise<void> {
    this.#parts.health.checkWritable();
    const bytes = records.reduce((sum, record) => sum + pendingBytes(record), batchHeaderBytes);
    try {
      const active = await this.#segmentWithRoom(alignUp(bytes, segmentBlockBytes));
      const batch = this.#gather(active, records, bytes);
      if (batch.entries.length > 0) await this.#writeBatch(active, batch);
    } catch (error) {
      throw this.#parts.health.conclude(error, "write");
    }
  }

  /** Seals all segments, so that the next start reads tables and not records. */
  async close(): Promise<void> {
    this.#retire();
    await this.#sealRetired();
  }

  /** Ends without another write: the next start reads the records through. */
  async abandon(): Promise<void> {
    this.#retire();
    await Promise.allSettled(this.#unsealed.splice(0).map(closeFilesOf));
  }

  async #segmentWithRoom(batchBytes: number): Promise<ActiveSegment> {
    const { segmentSizeBytes } = this.#parts;
    const isTooFull =
      this.#active !== null && this.#active.table.count > 0 && this.#active.endOffset + batchBytes > segmentSizeBytes;
    if (isTooFull) this.#retire();
    if (this.#unsealed.length > 0) await this.#sealRetired();
    if (this.#active === null) {
      const facts = {
        segmentId: this.#nextSegmentId++,
        sizeBytes: segmentSizeBytes,
        firstSequence: this.#nextSequence,
      };
      this.#active = await createSegment(this.#parts.disk, this.#parts.driveId, facts);
      this.#parts.onBegun(facts.segmentId);
    }
    return this.#active;
  }

  /** The active segment takes no more. */
  #retire(): void {
    if (this.#active !== null) this.#unsealed.push(this.#active);
    this.#active = null;
  }

  async #sealRetired(): Promise<void> {
    while (this.#unsealed[0] !== undefined) {
      await this.#seal(this.#unsealed[0]);
      this.#unsealed.shift();
    }
  }

  async #seal(segment: ActiveSegment): Promise<void> {
    const { disk, onSealed } = this.#parts;
    await closeFilesOf(segment);
    const file = await disk.open(segmentPath(segment.header.segmentId), { access: "write", isSynchronous: true });
    onSealed(segment.header.segmentId, await sealFile(file, segment.table, segment));
  }

  #gather(active: ActiveSegment, records: readonly PendingRecord[], bytes: number): GatheredBatch {
    if (this.#gathered.byteLength < alignUp(bytes, segmentBlockBytes)) {
      this.#gathered = alignedBuffer(gatheredBytesFor(bytes));
    }
    const marks = new BatchMarks(records, this.#parts.liveSequence);
    const entries: RecordEntry[] = [];
    let at = batchHeaderBytes;
    for (const record of records) {
      const mark = record.mark ?? marks.killedBy(record.identity);
      // The shard is not here: there is nothing to kill.
      if (mark === null) continue;
      const sequence = record.sequence ?? this.#nextSequence++;
      const recordBytes = pendingBytes(record);
      const placing = { sequence, mark, offset: active.endOffset + at, seed: active.seed };
      entries.push(encodePending(record, placing, this.#gathered.subarray(at, at + recordBytes)));
      if (record.kind === "shard") marks.noteShard(record.identity, sequence);
      if (record.kind === "tombstone") marks.noteTombstone(record.identity, mark);
      at += recordBytes;
    }
    const header = {
      offset: active.endOffset,
      batchBytes: at,
      recordCount: entries.length,
      nextSequence: this.#nextSequence,
    };
    encodeBatchHeader(header, active.seed, this.#gathered);
    return { entries, bytes: at, hasCopies: records.some((record) => record.sequence !== null) };
  }

  async #writeBatch(active: ActiveSegment, batch: GatheredBatch): Promise<void> {
    const { failpoints, clock, metrics } = this.#parts;
    const writtenBytes = alignUp(batch.bytes, segmentBlockBytes);
    this.#gathered.fill(0, batch.bytes, writtenBytes);
    failpoints.hit("segment.before-write");
    const isCached = writtenBytes < this.#parts.directBytesMin;
    const file = isCached ? active.file : await directFileOf(active, this.#parts.disk);
    const startedMs = clock.monotonicMs();
    try {
      await file.write(this.#gathered.subarray(0, writtenBytes), active.endOffset);
    } catch (error) {
      if (error instanceof ClusterFailure) this.#giveUp(active, writtenBytes);
      throw error;
    }
    metrics.synced((clock.monotonicMs() - startedMs) / 1000, { records: batch.entries.length, bytes: batch.bytes });
    failpoints.hit("segment.after-write");
    for (const entry of batch.entries) active.table.add(entry);
    active.endOffset += writtenBytes;
    failpoints.hit("segment.before-index");
    if (batch.hasCopies) failpoints.hit("compaction.before-index");
    const { segmentId } = active.header;
    this.#parts.onDurable({ segmentId, entries: batch.entries, nextSequence: this.#nextSequence, isCached });
  }

  /**
   * After a write that failed for want of room its place may be written again: nothing of it was acknowledged. After one
   * that is late it may not: it can still land, at any time, over what would be written there.
   */
  #giveUp(active: ActiveSegment, lateBytes: number): void {
    active.endOffset += lateBytes;
    this.#retire();
    // The late write still reads this buffer.
    this.#gathered = Buffer.alloc(0);
  }
}
