import { type Disk, type DiskFile, type DriveId, type Failpoints, type Logger } from "@kakera/kernel";
import type { DriveHealth } from "../health/drive-health.ts";
import type { ShardIndex } from "../index/shard-index.ts";
import type { DriveMetrics } from "../metrics.ts";
import type { FileCache } from "../read/file-cache.ts";
import { containerSeed } from "../record/container-seed.ts";
import { recordBytesOf, type RecordEntry } from "../record/record-entry.ts";
import { readWholeRecord, type WholeRecord } from "../record/whole-record.ts";
import { isUnreadable } from "../recovery/file-window.ts";
import { scanSegment } from "../recovery/scan-segment.ts";
import type { AppendQueue } from "../segment/append-queue.ts";
import { pendingCopy, type PendingRecord } from "../segment/pending-record.ts";
import { segmentFolder, segmentPath } from "../segment/segment-header.ts";
import { chooseSegment, type SegmentUse } from "./choose-segment.ts";

export interface CompactorParts {
  readonly disk: Disk;
  readonly driveId: DriveId;
  readonly index: ShardIndex;
  readonly queue: AppendQueue;
  readonly files: FileCache;
  readonly health: DriveHealth;
  readonly metrics: DriveMetrics;
  readonly logger: Logger;
  readonly failpoints: Failpoints;
  readonly segmentSizeBytes: number;
  readonly garbageShareMax: number;
}

/** Of records that are read and appended together. */
const copyBytesMax = 1024 * 1024;
/** Entries that are dropped from the index in one transaction: some milliseconds. */
const dropSliceMax = 1000;

/** Copies what is live out of segments that are mostly garbage, and gives their space back. One segment at a time. */
export class Compactor {
  readonly #parts: CompactorParts;
  /** Segments with a live record that is damaged, and how much of them was live then: kept until that has changed. */
  readonly #held = new Map<number, number>();
  #running: Promise<void> | null = null;
  #isStopped = false;

  constructor(parts: CompactorParts) {
    this.#parts = parts;
  }

  /** There may be a segment worth compacting. */
  wake(): void {
    if (!this.#isStopped) this.#running ??= this.#run().finally(() => (this.#running = null));
  }

  async idle(): Promise<void> {
    while (this.#running !== null) await this.#running;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.idle();
  }

  async #run(): Promise<void> {
    try {
      for (;;) {
        const chosen = this.#isStopped
          ? null
          : chooseSegment(
              this.#uses().filter((use) => this.#isFree(use)),
              this.#parts,
            );
        if (chosen === null) return;
        await this.#compact(chosen);
      }
    } catch (error) {
      // The segment stays as it is: copies made so far are live where they are.
      this.#parts.health.conclude(error, "write");
    }
  }

  #uses(): SegmentUse[] {
    const sealed = [...this.#parts.index.uses()].filter(([, use]) => use.sizeBytes > 0);
    return sealed.map(([segmentId, use]) => ({ segmentId, ...use }));
  }

  #isFree({ segmentId, liveBytes }: SegmentUse): boolean {
    if (this.#held.get(segmentId) === liveBytes) return false;
    this.#held.delete(segmentId);
    return true;
  }

  async #compact({ segmentId, sizeBytes }: SegmentUse): Promise<void> {
    const { disk, index, files, failpoints, metrics, logger } = this.#parts;
    const entries = await this.#copyLive(segmentId);
    const leftBytes = index.liveBytes(segmentId) - bytesOf(entries.filter((entry) => this.#mayGo(segmentId, entry)));
    if (leftBytes > 0) {
      logger.log("error", "segment.not-compacted", { segmentId, leftBytes });
      this.#held.set(segmentId, index.liveBytes(segmentId));
      return;
    }
    failpoints.hit("compaction.before-unlink");
    await disk.unlink(segmentPath(segmentId));
    files.forget(segmentPath(segmentId));
    await disk.syncDirectory(segmentFolder);
    await this.#dropDead(segmentId, entries);
    index.dropSegment(segmentId);
    metrics.compacted(sizeBytes);
    logger.log("info", "segment.compacted", { segmentId, sizeBytes });
  }

  async #dropDead(segmentId: number, entries: readonly RecordEntry[]): Promise<void> {
    const gone = entries.filter((entry) => entry.kind === "shard").map(({ ref }) => ({ ref, container: segmentId }));
    for (let at = 0; at < gone.length; at += dropSliceMax) {
      this.#parts.index.dropDead(gone.slice(at, at + dropSliceMax));
      // Lets others have the event loop: any call of the disk would do.
      await this.#parts.disk.stat(segmentFolder);
    }
  }

  /** Copies what is live, durably, and returns all entries. A record that cannot be read stays live where it is. */
  async #copyLive(segmentId: number): Promise<readonly RecordEntry[]> {
    const { disk, driveId } = this.#parts;
    const seed = containerSeed(driveId, { kind: "segment", segmentId });
    const file = await disk.open(segmentPath(segmentId), { access: "read" });
    try {
      const content = await scanSegment(file, driveId, segmentId);
      // A table that is damaged has made a tail of the last batch.
      const entries = [...content.entries, ...content.tail];
      let copies: PendingRecord[] = [];
      let copyBytes = 0;
      for (const entry of entries) {
        if (!this.#parts.index.isLive(segmentId, entry) || this.#mayGo(segmentId, entry)) continue;
        const record = await this.#readRecord(file, seed, entry);
        if (record === null) continue;
        copies.push(pendingCopy(record));
        copyBytes += recordBytesOf(entry);
        if (copyBytes < copyBytesMax) continue;
        await this.#append(copies);
        copies = [];
        copyBytes = 0;
      }
      await this.#append(copies);
      return entries;
    } finally {
      await file.close();
    }
  }

  /** null: it is damaged, or the medium has lost it. */
  async #readRecord(file: DiskFile, seed: number, entry: RecordEntry): Promise<WholeRecord | null> {
    const bytes = Buffer.alloc(recordBytesOf(entry));
    const readBytes = await file.read(bytes, entry.offset).catch((error: unknown) => {
      if (!isUnreadable(error)) throw error;
      return 0;
    });
    const record = readWholeRecord(bytes.subarray(0, readBytes), seed, entry.offset);
    if (record === null) this.#parts.metrics.bitrotFound();
    return record;
  }

  async #append(copies: readonly PendingRecord[]): Promise<void> {
    await Promise.all(copies.map((copy) => this.#parts.queue.append(copy)));
  }

  /** A live tombstone may go with its segment when all that it kills goes with it. */
  #mayGo(segmentId: number, entry: RecordEntry): boolean {
    const { index } = this.#parts;
    if (entry.kind !== "tombstone" || !index.isLive(segmentId, entry)) return false;
    return index.deadContainers(entry.ref).every((container) => container === segmentId);
  }
}

function bytesOf(entries: readonly RecordEntry[]): number {
  return entries.reduce((sum, entry) => sum + recordBytesOf(entry), 0);
}
