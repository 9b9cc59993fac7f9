import { alignUp, ClusterFailure, type Clock, type Disk, type DriveId, type Failpoints } from "@kakera/kernel";
import type { ShardRef } from "@kakera/rpc";
import type { DriveHealth } from "../health/drive-health.ts";
import type { DriveMetrics } from "../metrics.ts";
import type { RecordEntry } from "../record/record-entry.ts";
import { createSegment, sealSegment, type ActiveSegment } from "./active-segment.ts";
import { batchHeaderBytes, encodeBatchHeader } from "./batch-header.ts";
import { encodePending, pendingBytes, type PendingRecord } from "./pending-record.ts";
import { segmentBlockBytes } from "./segment-header.ts";

export interface SegmentWriterParts {
  readonly disk: Disk;
  readonly driveId: DriveId;
  readonly clock: Clock;
  readonly failpoints: Failpoints;
  readonly metrics: DriveMetrics;
  readonly health: DriveHealth;
  readonly segmentSizeBytes: number;
  /** The sequence number of the shard's live record, if there is one. */
  readonly liveSequence: (ref: ShardRef) => number | null;
  /** A batch is durable: index it. Synchronous, so that no read sees half of it. */
  readonly onDurable: (batch: DurableBatch) => void;
  /** A segment has been sealed or abandoned. */
  readonly onRetired: (segmentId: number, sizeBytes: number) => void;
}

export interface DurableBatch {
  readonly segmentId: number;
  readonly entries: readonly RecordEntry[];
  readonly nextSequence: number;
}

/** Where the drive's numbering goes on. */
export interface WriterPosition {
  readonly nextSegmentId: number;
  readonly nextSequence: number;
}

/** Appends batches of records to the active segment, one batch at a time. */
export class SegmentWriter {
  readonly #parts: SegmentWriterParts;
  #active: ActiveSegment | null = null;
  #nextSegmentId: number;
  #nextSequence: number;
  #gathered = Buffer.alloc(0);

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

  /** Seals the active segment, so that the next start reads a table and not the records. */
  async close(): Promise<void> {
    if (this.#active !== null) await this.#retire(this.#active);
  }

  async #segmentWithRoom(batchBytes: number): Promise<ActiveSegment> {
    const { segmentSizeBytes } = this.#parts;
    const isTooFull = this.#active !== null && this.#active.endOffset + batchBytes > segmentSizeBytes;
    if (this.#active !== null && isTooFull && this.#active.table.count > 0) await this.#retire(this.#active);
    if (this.#active === null) {
      const facts = {
        segmentId: this.#nextSegmentId++,
        sizeBytes: segmentSizeBytes,
        firstSequence: this.#nextSequence,
      };
      this.#active = await createSegment(this.#parts.disk, this.#parts.driveId, facts);
    }
    return this.#active;
  }

  async #retire(segment: ActiveSegment): Promise<void> {
    this.#active = null;
    const sizeBytes = await sealSegment(segment);
    this.#parts.onRetired(segment.header.segmentId, sizeBytes);
  }

  #gather(
    active: ActiveSegment,
    records: readonly PendingRecord[],
    bytes: number,
  ): { entries: RecordEntry[]; bytes: number } {
    if (this.#gathered.byteLength < alignUp(bytes, segmentBlockBytes)) {
      this.#gathered = Buffer.alloc(alignUp(bytes, 16 * segmentBlockBytes));
    }
    const marks = new BatchMarks(this.#parts.liveSequence);
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
      if (record.kind !== "seal") marks.note(record.identity, record.kind === "shard" ? sequence : null);
      at += recordBytes;
    }
    const header = {
      offset: active.endOffset,
      batchBytes: at,
      recordCount: entries.length,
      nextSequence: this.#nextSequence,
    };
    encodeBatchHeader(header, active.seed, this.#gathered);
    return { entries, bytes: at };
  }

  async #writeBatch(active: ActiveSegment, batch: { entries: RecordEntry[]; bytes: number }): Promise<void> {
    const { failpoints, clock, metrics } = this.#parts;
    const writtenBytes = alignUp(batch.bytes, segmentBlockBytes);
    this.#gathered.fill(0, batch.bytes, writtenBytes);
    failpoints.hit("segment.before-write");
    const startedMs = clock.monotonicMs();
    try {
      await active.file.write(this.#gathered.subarray(0, writtenBytes), active.endOffset);
    } catch (error) {
      this.#giveUp(active, error);
      throw error;
    }
    metrics.synced((clock.monotonicMs() - startedMs) / 1000, { records: batch.entries.length, bytes: batch.bytes });
    failpoints.hit("segment.after-write");
    for (const entry of batch.entries) active.table.add(entry);
    active.endOffset += writtenBytes;
    failpoints.hit("segment.before-index");
    const { segmentId } = active.header;
    this.#parts.onDurable({ segmentId, entries: batch.entries, nextSequence: this.#nextSequence });
  }

  /**
   * After a write that failed for want of room the place may be written again: nothing of it was acknowledged. After a
   * write that is late it may not: it can still land, at any time, over what would be written there.
   */
  #giveUp(active: ActiveSegment, error: unknown): void {
    if (!(error instanceof ClusterFailure)) return;
    this.#active = null;
    // The late write still reads this buffer.
    this.#gathered = Buffer.alloc(0);
    this.#parts.onRetired(active.header.segmentId, active.endOffset);
    active.file.close().catch(() => {});
  }
}

/** Which record of a shard a tombstone of this batch kills: one that came earlier in the batch, or the indexed one. */
class BatchMarks {
  readonly #liveSequence: (ref: ShardRef) => number | null;
  readonly #inBatch = new Map<string, number | null>();

  constructor(liveSequence: (ref: ShardRef) => number | null) {
    this.#liveSequence = liveSequence;
  }

  note(ref: ShardRef, sequence: number | null): void {
    this.#inBatch.set(nameOf(ref), sequence);
  }

  killedBy(ref: ShardRef): number | null {
    const earlier = this.#inBatch.get(nameOf(ref));
    return earlier === undefined ? this.#liveSequence(ref) : earlier;
  }
}

function nameOf(ref: ShardRef): string {
  return `${ref.group}/${ref.dataId}/${ref.chunkIndex}/${ref.shardIndex}`;
}
