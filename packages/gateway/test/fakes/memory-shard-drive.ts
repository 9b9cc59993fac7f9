import { assert, ClusterFailure, type Clock, type DriveId } from "@kakera/kernel";
import { addToSeed, createCodec, shardSeed } from "@kakera/erasure";
import type {
  DriveCondition,
  DriveStatus,
  InventoryPage,
  Receipt,
  ShardDescription,
  ShardDrive,
  ShardIdentity,
  ShardRef,
  ShardStream,
  ShardWrite,
} from "@kakera/rpc";

export type DriveOperation = "put" | "begin" | "append" | "finish" | "read" | "remove";

/** What happens to one call: it works, fails, never answers, answers late, or gives wrong bytes (reads only). */
export type CallFate =
  | { readonly kind: "ok" }
  | { readonly kind: "fail"; readonly failure: Error }
  | { readonly kind: "hang" }
  | { readonly kind: "late"; readonly byMs: number; readonly corrupts?: true }
  | { readonly kind: "corrupt" };

export interface StoredShard {
  readonly identity: ShardIdentity;
  readonly chunkSizeBytes: number;
  readonly payload: Buffer;
  readonly blockChecksums: Buffer;
  readonly shardDigests: Buffer;
}

const ok: CallFate = { kind: "ok" };
const blockSizeBytes = 65536;
const checksumSizeBytes = 8;

/**
 * A drive in memory that is as awkward as the port allows: it looks at a writer's buffers only when its call ends, and
 * fills a reader's only then; so that whoever reuses a buffer too early stores or serves wrong bytes.
 */
export class MemoryShardDrive implements ShardDrive {
  readonly driveId: DriveId;
  readonly shards = new Map<string, StoredShard>();
  condition: DriveCondition = "online";
  /** Since when its node is away; null: it is not, or has no node. */
  awaySinceMs: number | null = null;
  /** Decides each call. */
  fate: (operation: DriveOperation, ref: ShardRef) => CallFate = () => ok;
  /** Whether reads may be answered at once. */
  isCached = false;
  callCount = 0;
  openStreams = 0;
  /** Calls whose payload was changed before they settled. */
  readonly violations: string[] = [];
  readonly #sealed = new Map<number, number>();
  readonly #clock: Clock;
  readonly #hung: (() => void)[] = [];
  /** Counts releases: a call that began before one does not hang after it. */
  #releases = 0;
  readonly #lentChecksums = Buffer.alloc(2048 * checksumSizeBytes);

  constructor(driveId: DriveId, clock: Clock) {
    this.driveId = driveId;
    this.#clock = clock;
  }

  async put(shard: ShardWrite): Promise<Receipt> {
    assert(shard.payload.byteLength < 1024 * 1024, "long shards are written in pieces");
    await this.#callWith("put", shard.identity, shard.payload);
    this.#check(shard.identity, shard.identity.epoch);
    this.#store(shard.identity, [shard.payload], [shard.blockChecksums], shard);
    return { driveId: this.driveId, epoch: shard.identity.epoch };
  }

  async begin(identity: ShardIdentity): Promise<ShardStream> {
    await this.#call("begin", identity);
    this.#check(identity, identity.epoch);
    this.openStreams++;
    const payloads: Buffer[] = [];
    const checksums: Buffer[] = [];
    let isOpen = true;
    let isBusy = false;
    let isFinishFailed = false;
    const close = (): void => {
      assert(isOpen, "exactly one of finish and abort ends a stream");
      isOpen = false;
      this.openStreams--;
    };
    return {
      append: async (payload, blockChecksums) => {
        assert(isOpen && !isBusy, "appends of a stream come one after the other, before its end");
        isBusy = true;
        await this.#callWith("append", identity, payload).finally(() => (isBusy = false));
        payloads.push(Buffer.from(payload));
        checksums.push(Buffer.from(blockChecksums));
      },
      finish: async (end) => {
        assert(!isBusy, "a stream is finished after its last append");
        const epoch = end.epoch ?? identity.epoch;
        this.#check(identity, epoch);
        close();
        await this.#call("finish", identity).catch((failure: Error) => {
          isFinishFailed = true;
          throw failure;
        });
        this.#store({ ...identity, epoch }, payloads, checksums, end);
        return { driveId: this.driveId, epoch };
      },
      // Whoever does not know what a finish that failed has left may say that it wants nothing of it.
      abort: async () => {
        if (!isFinishFailed) close();
      },
    };
  }

  async read(ref: ShardRef, window: { offsetBytes: number; lengthBytes: number }, into: Uint8Array) {
    const fate = await this.#call("read", ref);
    const found = this.#readInto(ref, window, into);
    // Whoever has reused this memory meanwhile has wrong bytes from now on.
    if (fate.kind === "hang" || (fate.kind === "late" && fate.corrupts === true)) into.fill(0x5a);
    if (fate.kind === "corrupt" && found !== null) into[Math.floor(found.lengthBytes / 2)]! ^= 0x5a;
    return found;
  }

  readNow(ref: ShardRef, window: { offsetBytes: number; lengthBytes: number }, into: Uint8Array) {
    const fate = this.fate("read", ref);
    if (!this.isCached || fate.kind === "hang" || fate.kind === "late") return undefined;
    if (fate.kind === "fail") throw fate.failure;
    const found = this.#readInto(ref, window, into);
    if (found === null) return null;
    if (fate.kind === "corrupt") into[Math.floor(found.lengthBytes / 2)]! ^= 0x5a;
    // Lent until the next such call.
    found.blockChecksums.copy(this.#lentChecksums);
    return { ...found, blockChecksums: this.#lentChecksums.subarray(0, found.blockChecksums.byteLength) };
  }

  async describe(ref: ShardRef): Promise<ShardDescription | null> {
    await this.#call("read", ref);
    const shard = this.shards.get(nameOf(ref));
    return shard === undefined ? null : describe(shard);
  }

  async remove(refs: readonly ShardRef[]): Promise<void> {
    for (const ref of refs) await this.#call("remove", ref);
    for (const ref of refs) this.shards.delete(nameOf(ref));
  }

  async inventory(page: InventoryPage): Promise<ShardDescription[]> {
    const after = page.after === null ? "" : nameOf(page.after);
    return [...this.shards]
      .filter(([name, { identity }]) => name > after && (page.group === null || identity.group === page.group))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .slice(0, page.limit)
      .map(([, shard]) => describe(shard));
  }

  async sealGroup(group: number, epoch: number): Promise<void> {
    this.#sealed.set(group, Math.max(epoch, this.#sealed.get(group) ?? 0));
  }

  async sealedEpoch(group: number): Promise<number | null> {
    return this.#sealed.get(group) ?? null;
  }

  async removeAtEpoch(refs: readonly ShardRef[], epoch: number): Promise<void> {
    if (refs.some(({ group }) => this.#sealed.get(group) !== epoch)) throw epochOver();
    await this.remove(refs);
  }

  status(): DriveStatus {
    return {
      driveId: this.driveId,
      place: this.driveId,
      condition: this.condition,
      reason: null,
      ...(this.awaySinceMs === null ? {} : { awaySinceMs: this.awaySinceMs }),
      freeBytes: 1e9 - this.shards.size,
      totalBytes: 1e9,
      shardCount: this.shards.size,
      garbageBytes: 0,
    };
  }

  /** Lets every hung call go on, as a drive that comes back to life does. */
  release(): void {
    this.#releases++;
    for (const go of this.#hung.splice(0)) go();
  }

  async #callWith(operation: DriveOperation, ref: ShardRef, payload: Uint8Array): Promise<void> {
    const before = Buffer.from(payload);
    try {
      await this.#call(operation, ref);
    } finally {
      if (!before.equals(payload)) this.violations.push(`${operation} ${nameOf(ref)}`);
    }
  }

  async #call(operation: DriveOperation, ref: ShardRef): Promise<CallFate> {
    this.callCount++;
    if (this.condition === "offline") throw new ClusterFailure("retry", "offline", { reason: "DRIVE_OFFLINE" });
    const fate = this.fate(operation, ref);
    const releases = this.#releases;
    await new Promise((resolve) => setImmediate(resolve));
    if (fate.kind === "fail") throw fate.failure;
    if (fate.kind === "hang" && releases === this.#releases)
      await new Promise<void>((resolve) => this.#hung.push(resolve));
    if (fate.kind === "late") await new Promise<void>((resolve) => void this.#clock.setTimer(fate.byMs, resolve));
    return fate;
  }

  #check({ group }: ShardRef, epoch: number): void {
    if (epoch < (this.#sealed.get(group) ?? 0)) throw epochOver();
  }

  #readInto(ref: ShardRef, window: { offsetBytes: number; lengthBytes: number }, into: Uint8Array) {
    assert(window.offsetBytes % blockSizeBytes === 0, "reads begin with a block");
    const shard = this.shards.get(nameOf(ref));
    if (shard === undefined) return null;
    const payload = shard.payload.subarray(window.offsetBytes, window.offsetBytes + window.lengthBytes);
    into.set(payload);
    const firstBlock = window.offsetBytes / blockSizeBytes;
    const blocks = Math.ceil(payload.byteLength / blockSizeBytes);
    const start = firstBlock * checksumSizeBytes;
    const checksums = shard.blockChecksums.subarray(start, start + blocks * checksumSizeBytes);
    return {
      lengthBytes: payload.byteLength,
      blockChecksums: Buffer.from(checksums),
      shardSizeBytes: shard.payload.byteLength,
      chunkSizeBytes: shard.chunkSizeBytes,
    };
  }

  #store(
    identity: ShardIdentity,
    payloads: readonly Uint8Array[],
    checksums: readonly Uint8Array[],
    end: { readonly chunkSizeBytes: number; readonly shardDigests: Uint8Array },
  ): void {
    this.shards.set(nameOf(identity), {
      identity: { ...identity, ownerKey: Buffer.from(identity.ownerKey) },
      chunkSizeBytes: end.chunkSizeBytes,
      payload: Buffer.concat(payloads),
      blockChecksums: Buffer.concat(checksums),
      shardDigests: Buffer.from(end.shardDigests),
    });
  }
}

function epochOver(): ClusterFailure {
  return new ClusterFailure("retry", "the epoch is over", { reason: "VIEW_BEHIND" });
}

/** In the order of inventories. */
export function nameOf({ group, dataId, chunkIndex, shardIndex }: ShardRef): string {
  const padded = (value: number): string => String(value).padStart(6, "0");
  return `${padded(group)}/${dataId}/${padded(chunkIndex)}/${padded(shardIndex)}`;
}

function describe(shard: StoredShard): ShardDescription {
  const { identity, chunkSizeBytes, shardDigests, payload } = shard;
  return { identity, chunkSizeBytes, shardSizeBytes: payload.byteLength, shardDigests };
}

/** Names of shards whose bytes are not those that their checksums are of. */
export function damagedShards(drive: MemoryShardDrive): string[] {
  return [...drive.shards].filter(([, shard]) => !isSound(shard)).map(([name]) => name);
}

const codec = createCodec({ memory: new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }) });

function isSound({ identity, payload, blockChecksums }: StoredShard): boolean {
  const seed = shardSeed(identity.dataId, identity.chunkIndex, identity.shardIndex);
  for (let block = 0; block * blockSizeBytes < payload.byteLength; block++) {
    const bytes = payload.subarray(block * blockSizeBytes, (block + 1) * blockSizeBytes);
    const checksum = codec.hash64(bytes, addToSeed(seed, block));
    if (blockChecksums.readBigUInt64LE(block * checksumSizeBytes) !== checksum) return false;
  }
  return true;
}
