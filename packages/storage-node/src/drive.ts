import { ClusterFailure, DiskError, type Disk, type DriveId } from "@kakera/kernel";
import type {
  ByteWindow,
  DriveStatus,
  InventoryPage,
  Receipt,
  ShardDescription,
  ShardDrive,
  ShardIdentity,
  ShardRef,
  ShardStream,
  ShardWindow,
  ShardWrite,
} from "@kakera/rpc";
import type { DriveSettings } from "./drive-settings.ts";
import type { DriveHealth } from "./health/drive-health.ts";
import type { ShardIndex } from "./index/shard-index.ts";
import type { Place } from "./index/index-values.ts";
import type { FileCache } from "./read/file-cache.ts";
import { pathOf, type RecordFacts, type RecordReader } from "./read/record-reader.ts";
import type { AppendQueue } from "./segment/append-queue.ts";
import { pendingShard, pendingTombstone } from "./segment/pending-record.ts";
import type { SegmentWriter } from "./segment/segment-writer.ts";

export interface Drive extends ShardDrive {
  /** Ends the drive's work in good order. */
  close(): Promise<void>;
}

export interface DriveParts {
  readonly driveId: DriveId;
  readonly disk: Disk;
  readonly settings: DriveSettings;
  readonly health: DriveHealth;
  readonly index: ShardIndex;
  readonly queue: AppendQueue;
  readonly writer: SegmentWriter;
  readonly reader: RecordReader;
  readonly files: FileCache;
  /** Sealed segments and their sizes. */
  readonly segmentSizes: Map<number, number>;
}

/** One drive directory as a ShardDrive. `openDrive` puts it together. */
export class LocalDrive implements Drive {
  readonly driveId: DriveId;
  readonly #parts: DriveParts;

  constructor(parts: DriveParts) {
    this.driveId = parts.driveId;
    this.#parts = parts;
  }

  async put(shard: ShardWrite): Promise<Receipt> {
    this.#parts.health.checkTakesShards();
    await this.#parts.queue.append(pendingShard(shard));
    return { driveId: this.driveId, epoch: shard.identity.epoch };
  }

  begin(_identity: ShardIdentity): Promise<ShardStream> {
    return Promise.reject(new ClusterFailure("retry", "shards in files of their own are not served yet"));
  }

  async read(ref: ShardRef, window: ByteWindow, into: Uint8Array): Promise<ShardWindow | null> {
    return this.#atPlace(ref, (place) => this.#parts.reader.readWindow(ref, place, window, into));
  }

  async describe(ref: ShardRef): Promise<ShardDescription | null> {
    const facts = await this.#atPlace(ref, (place) => this.#parts.reader.readFacts(ref, place));
    return facts === null ? null : describeFacts(facts);
  }

  async remove(refs: readonly ShardRef[]): Promise<void> {
    this.#parts.health.checkWritable();
    await Promise.all(refs.map((ref) => this.#parts.queue.append(pendingTombstone(ref))));
  }

  async inventory(page: InventoryPage): Promise<ShardDescription[]> {
    const found: ShardDescription[] = [];
    let after = page.after;
    while (found.length < page.limit) {
      const refs = this.#parts.index.list(page.group, after, page.limit - found.length);
      if (refs.length === 0) break;
      after = refs.at(-1)!;
      for (const ref of refs) {
        const description = await this.#describeUndamaged(ref);
        if (description !== null) found.push(description);
      }
    }
    return found;
  }

  status(): DriveStatus {
    return {
      driveId: this.driveId,
      place: this.#parts.settings.place,
      condition: this.#parts.health.condition,
      reason: this.#parts.health.reason,
      freeBytes: 0,
      totalBytes: 0,
      shardCount: this.#parts.index.state.shardCount,
      garbageBytes: 0,
    };
  }

  async close(): Promise<void> {
    await this.#parts.queue.idle();
    await this.#parts.writer.close();
    this.#parts.files.close();
    await this.#parts.index.close();
  }

  /** A damaged shard is not held: it is left out, so that it is written again. */
  async #describeUndamaged(ref: ShardRef): Promise<ShardDescription | null> {
    try {
      return await this.describe(ref);
    } catch (error) {
      if (error instanceof ClusterFailure && error.kind === "repair") return null;
      throw error;
    }
  }

  async #atPlace<Result>(ref: ShardRef, run: (place: Place) => Promise<Result>): Promise<Result | null> {
    this.#parts.health.checkReadable();
    let before: Place | null = null;
    for (;;) {
      const place = this.#parts.index.find(ref);
      if (place === null) return null;
      try {
        return await run(place);
      } catch (error) {
        const isGone = error instanceof DiskError && error.code === "ENOENT";
        // Compaction may have moved the record since it was looked up.
        if (isGone && (before === null || pathOf(ref, before) !== pathOf(ref, place))) {
          before = place;
          continue;
        }
        throw this.#parts.health.conclude(error, "read");
      }
    }
  }
}

function describeFacts({ head, tail }: RecordFacts): ShardDescription {
  return {
    identity: head.identity,
    chunkSizeBytes: head.chunkSizeBytes,
    shardSizeBytes: head.payloadBytes,
    shardDigests: Buffer.from(tail.shardDigests),
  };
}
