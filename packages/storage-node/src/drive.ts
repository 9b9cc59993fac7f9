import { ClusterFailure, DiskError, type DriveId, type ReasonCode } from "@kakera/kernel";
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
import type { Compactor } from "./compaction/compactor.ts";
import type { DriveSettings } from "./drive-settings.ts";
import type { DriveHealth } from "./health/drive-health.ts";
import type { PresenceWatch } from "./health/presence-watch.ts";
import type { SpaceWatch } from "./health/space-watch.ts";
import type { DriveIdentity, LogWitness } from "./identity/identity-record.ts";
import type { IdentityKeeper } from "./identity/identity-keeper.ts";
import type { ShardIndex } from "./index/shard-index.ts";
import { containerOf, type Place } from "./index/index-values.ts";
import { EpochFence } from "./own-file/epoch-fence.ts";
import type { OwnFiles } from "./own-file/own-files.ts";
import type { Unlinker } from "./own-file/unlink-leaving.ts";
import type { FileCache } from "./read/file-cache.ts";
import type { RecentPlaces } from "./read/recent-places.ts";
import type { RecordFacts, RecordReader } from "./read/record-reader.ts";
import type { AppendQueue } from "./segment/append-queue.ts";
import { pendingSeal, pendingShard, pendingTombstone } from "./segment/pending-record.ts";
import type { SegmentWriter } from "./segment/segment-writer.ts";

type WritePurpose = NonNullable<ShardWrite["purpose"]>;

export interface Drive extends ShardDrive {
  readonly identity: DriveIdentity;

  /** Keeps in the identity file how far the commit log has come; durable when it resolves. */
  writeWitness(witness: LogWitness): Promise<void>;

  /** Compacts until no segment is worth it. Never rejects: what goes wrong shows in `status`. */
  compact(): Promise<void>;

  /** Resolves when no work goes on in the background. */
  settled(): Promise<void>;

  /** Ends the drive's work in good order. Rejects when the last segment cannot be sealed; the next start reads it through then. */
  close(): Promise<void>;
}

export interface DriveParts {
  readonly driveId: DriveId;
  readonly settings: DriveSettings;
  readonly health: DriveHealth;
  readonly space: SpaceWatch;
  readonly presence: PresenceWatch;
  readonly identity: IdentityKeeper;
  readonly index: ShardIndex;
  readonly queue: AppendQueue;
  readonly writer: SegmentWriter;
  readonly ownFiles: OwnFiles;
  readonly unlinker: Unlinker;
  readonly compactor: Compactor;
  readonly reader: RecordReader;
  readonly recent: RecentPlaces;
  readonly files: FileCache;
}

/** Tombstones that are queued together: a long list must not fill the queue by itself. */
const removalsPerSlice = 1024;

/** One drive directory as a ShardDrive. `openDrive` puts it together. */
export class LocalDrive implements Drive {
  readonly driveId: DriveId;
  readonly #parts: DriveParts;
  readonly #fence: EpochFence;

  constructor(parts: DriveParts) {
    this.#fence = new EpochFence((group) => parts.index.sealedEpoch(group));
    this.driveId = parts.driveId;
    this.#parts = parts;
  }

  get identity(): DriveIdentity {
    return this.#parts.identity.current;
  }

  async put(shard: ShardWrite): Promise<Receipt> {
    if (shard.payload.byteLength >= this.#parts.settings.ownFileBytesMin) return this.#putInOwnFile(shard);
    this.#checkTakes(shard.identity, shard.purpose ?? "client");
    this.#parts.space.note(shard.payload.byteLength);
    await this.#parts.queue.append(pendingShard(shard));
    return { driveId: this.driveId, epoch: shard.identity.epoch };
  }

  async begin(identity: ShardIdentity, purpose: WritePurpose = "client"): Promise<ShardStream> {
    this.#checkTakes(identity, purpose);
    return this.#fence.guard(await this.#parts.ownFiles.begin(identity), identity);
  }

  async read(ref: ShardRef, window: ByteWindow, into: Uint8Array): Promise<ShardWindow | null> {
    return this.#atPlace(ref, async (place) => {
      const found = await this.#parts.reader.readWindow(ref, place, window, into);
      if (place.kind === "segment") this.#parts.recent.note(place);
      return found;
    });
  }

  readNow(ref: ShardRef, window: ByteWindow, into: Uint8Array): ShardWindow | null | undefined {
    const { health, index, recent, reader } = this.#parts;
    // A drive that hangs would take the event loop with it.
    if (health.condition === "suspect" || health.condition === "offline") return undefined;
    const place = index.find(ref);
    if (place === null) return null;
    if (place.kind !== "segment" || !recent.has(place)) return undefined;
    try {
      return reader.readWindowNow(ref, place, window, into);
    } catch (error) {
      throw health.conclude(error, "read");
    }
  }

  async describe(ref: ShardRef): Promise<ShardDescription | null> {
    const facts = await this.#atPlace(ref, (place) => this.#parts.reader.readFacts(ref, place));
    return facts === null ? null : describeFacts(facts);
  }

  remove(refs: readonly ShardRef[]): Promise<void> {
    return this.#remove(refs, () => {});
  }

  removeAtEpoch(refs: readonly ShardRef[], epoch: number): Promise<void> {
    // Before each slice: a seal may have been asked for since the one before, and who lists the drive after it must not see go what it saw.
    return this.#remove(refs, (slice) => {
      for (const { group } of slice) this.#fence.checkExactly(group, epoch);
    });
  }

  async sealGroup(group: number, epoch: number): Promise<void> {
    await this.#fence.seal(group, epoch, async () => {
      this.#parts.health.checkWritable();
      await this.#parts.queue.append(pendingSeal(group, epoch));
    });
  }

  async sealedEpoch(group: number): Promise<number | null> {
    return this.#parts.index.sealedEpoch(group);
  }

  async inventory(page: InventoryPage): Promise<ShardDescription[]> {
    const found: ShardDescription[] = [];
    let after = page.after;
    while (found.length < page.limit) {
      const refs = this.#parts.index.list(page.group, after, page.limit - found.length);
      const last = refs.at(-1);
      if (last === undefined) break;
      after = last;
      for (const ref of refs) {
        const description = await this.#describeUndamaged(ref);
        if (description !== null) found.push(description);
      }
    }
    return found;
  }

  status(): DriveStatus {
    const { settings, health, space, index } = this.#parts;
    return {
      driveId: this.driveId,
      place: settings.place,
      condition: health.condition,
      reason: health.reason,
      freeBytes: space.freeBytes,
      totalBytes: space.totalBytes,
      shardCount: index.state.shardCount,
      garbageBytes: index.deadBytes,
    };
  }

  async writeWitness(witness: LogWitness): Promise<void> {
    this.#parts.health.checkWritable();
    try {
      await this.#parts.identity.write({ witness });
    } catch (error) {
      throw this.#parts.health.conclude(error, "write");
    }
  }

  async compact(): Promise<void> {
    this.#parts.compactor.wake();
    await this.settled();
  }

  async settled(): Promise<void> {
    await this.#parts.queue.idle();
    await this.#parts.unlinker.idle();
    await this.#parts.compactor.idle();
  }

  async close(): Promise<void> {
    const { presence, queue, unlinker, compactor, writer, files, index, health } = this.#parts;
    await presence.stop();
    await compactor.stop();
    await queue.idle();
    await unlinker.idle();
    files.close();
    try {
      if (health.condition === "online" || health.condition === "full") await writer.close();
      else await writer.abandon();
    } finally {
      await index.close();
    }
  }

  async #putInOwnFile(shard: ShardWrite): Promise<Receipt> {
    const stream = await this.begin(shard.identity, shard.purpose);
    try {
      await stream.append(shard.payload, shard.blockChecksums);
      return await stream.finish(shard);
    } catch (error) {
      await stream.abort();
      throw error;
    }
  }

  async #remove(refs: readonly ShardRef[], check: (slice: readonly ShardRef[]) => void): Promise<void> {
    const { health, queue, unlinker } = this.#parts;
    for (let at = 0; at < refs.length; at += removalsPerSlice) {
      health.checkWritable();
      const slice = refs.slice(at, at + removalsPerSlice);
      check(slice);
      await Promise.all(slice.map((ref) => queue.append(pendingTombstone(ref))));
    }
    unlinker.wake();
  }

  #checkTakes(identity: ShardIdentity, purpose: WritePurpose): void {
    const { health } = this.#parts;
    if (purpose === "repair") health.checkWritable();
    else health.checkTakesShards();
    this.#fence.check(identity);
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
        if (!isAbsence(error)) throw this.#parts.health.conclude(error, "read");
        // Compaction may have moved the record since it was looked up, or a removal taken it.
        if (before !== null && containerOf(before) === containerOf(place)) throw await this.#judgeAbsence(ref);
        before = place;
      }
    }
  }

  /** The file is not where the index says: it was lost, or the drive was. */
  async #judgeAbsence(ref: ShardRef): Promise<ClusterFailure> {
    await this.#parts.presence.look();
    const { condition, reason } = this.#parts.health;
    if (condition === "offline") return new ClusterFailure("retry", "the drive is offline", reasonOf(reason));
    return new ClusterFailure("repair", `the file of ${ref.dataId} is gone`, { reason: "BITROT_FOUND" });
  }
}

function isAbsence(error: unknown): boolean {
  return error instanceof DiskError && error.code === "ENOENT";
}

function reasonOf(reason: ReasonCode | null): { reason?: ReasonCode } {
  return reason === null ? {} : { reason };
}

function describeFacts({ head, tail }: RecordFacts): ShardDescription {
  return {
    identity: head.identity,
    chunkSizeBytes: head.chunkSizeBytes,
    shardSizeBytes: head.payloadBytes,
    shardDigests: Buffer.from(tail.shardDigests),
  };
}
