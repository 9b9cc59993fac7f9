import { ClusterFailure, type DriveId } from "@kakera/kernel";
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
import type { Actor, Schedule } from "./schedule.ts";

/** A drive's shards and seals, as they are. */
export class ModelDrive {
  readonly driveId: DriveId;
  readonly shards = new Map<string, ShardWrite>();
  readonly sealed = new Map<number, number>();
  isAway = false;

  readonly #onNeedless: (identity: ShardIdentity, driveId: DriveId) => void;

  /** `onNeedless`: called before a shard goes of which a move or a repair says that it is one too many. */
  constructor(driveId: DriveId, onNeedless: (identity: ShardIdentity, driveId: DriveId) => void) {
    this.driveId = driveId;
    this.#onNeedless = onNeedless;
  }

  /** The drive as `actor` reaches it: every call, and every answer, waits for its turn. */
  reachedBy(actor: Actor, schedule: Schedule): ShardDrive {
    const call = <Result>(run: () => Result, what: "any" | "deletion" = "any"): Promise<Result> => {
      const arrive = (): Result => {
        if (this.isAway) throw new ClusterFailure("retry", "the drive is away", { reason: "DRIVE_OFFLINE" });
        return run();
      };
      return schedule.call(actor, arrive, what);
    };
    return {
      driveId: this.driveId,
      put: (shard) => call(() => this.#put(shard)),
      begin: (): Promise<ShardStream> => Promise.reject(new Error("the model's shards are short")),
      read: (ref, window, into) => call(() => this.#read(ref, window, into)),
      describe: (ref) => call(() => describe(this.shards.get(nameOf(ref)))),
      remove: (refs) => call(() => this.#remove(refs)),
      sealGroup: (group, epoch) =>
        call(() => void this.sealed.set(group, Math.max(epoch, this.sealed.get(group) ?? 0))),
      sealedEpoch: (group) => call(() => this.sealed.get(group) ?? null),
      removeAtEpoch: (refs, epoch) =>
        call(() => {
          if (refs.some(({ group }) => this.sealed.get(group) !== epoch)) throw epochOver();
          for (const ref of refs) {
            const held = this.shards.get(nameOf(ref));
            if (held !== undefined) this.#onNeedless(held.identity, this.driveId);
            this.#remove([ref]);
          }
        }, "deletion"),
      inventory: (page) => call(() => this.#inventory(page)),
      status: () => this.#status(),
    };
  }

  #put(shard: ShardWrite): Receipt {
    const { identity } = shard;
    if (identity.epoch < (this.sealed.get(identity.group) ?? 0)) throw epochOver();
    const copy = { payload: Buffer.from(shard.payload), blockChecksums: Buffer.from(shard.blockChecksums) };
    this.shards.set(nameOf(identity), { ...shard, ...copy, shardDigests: Buffer.from(shard.shardDigests) });
    return { driveId: this.driveId, epoch: identity.epoch };
  }

  #read(ref: ShardRef, { offsetBytes, lengthBytes }: ByteWindow, into: Uint8Array): ShardWindow | null {
    const shard = this.shards.get(nameOf(ref));
    if (shard === undefined) return null;
    const bytes = shard.payload.subarray(offsetBytes, offsetBytes + lengthBytes);
    into.set(bytes);
    const { chunkSizeBytes, payload, blockChecksums } = shard;
    return {
      lengthBytes: bytes.byteLength,
      blockChecksums: Buffer.from(blockChecksums),
      shardSizeBytes: payload.byteLength,
      chunkSizeBytes,
    };
  }

  #remove(refs: readonly ShardRef[]): void {
    for (const ref of refs) this.shards.delete(nameOf(ref));
  }

  #inventory({ group, after, limit }: InventoryPage): ShardDescription[] {
    const from = after === null ? "" : nameOf(after);
    const names = [...this.shards.keys()].filter((name) => name > from).toSorted();
    const held = names.map((name) => this.shards.get(name) as ShardWrite);
    const wanted = held.filter(({ identity }) => group === null || identity.group === group);
    return wanted.slice(0, limit).map((shard) => describe(shard) as ShardDescription);
  }

  #status(): DriveStatus {
    return {
      driveId: this.driveId,
      place: this.driveId,
      condition: this.isAway ? "offline" : "online",
      reason: this.isAway ? "DRIVE_OFFLINE" : null,
      freeBytes: 1e9 - this.shards.size,
      totalBytes: 1e9,
      shardCount: this.shards.size,
      garbageBytes: 0,
    };
  }
}

function describe(shard: ShardWrite | undefined): ShardDescription | null {
  if (shard === undefined) return null;
  const { identity, chunkSizeBytes, payload, shardDigests } = shard;
  return { identity, chunkSizeBytes, shardSizeBytes: payload.byteLength, shardDigests: Buffer.from(shardDigests) };
}

function nameOf({ group, dataId, chunkIndex, shardIndex }: ShardRef): string {
  return `${String(group).padStart(6, "0")}/${dataId}/${chunkIndex}/${shardIndex}`;
}

function epochOver(): ClusterFailure {
  return new ClusterFailure("retry", "the epoch is over", { reason: "VIEW_BEHIND" });
}
