import {
  ClusterFailure,
  type BucketId,
  type DataId,
  type DriveId,
  type SessionId,
  type ReasonCode,
} from "@kakera/kernel";

/**
 * The port between those who read and write shards (gateway, maintenance) and those who keep them (storage-node).
 * One ShardDrive is one drive, in this process or on another machine: callers assume neither.
 *
 * Failures are ClusterFailure: `retry` the drive does not answer (offline, suspect, deadline), `full` no room,
 * `repair` this shard is damaged here. A shard that is not here is an answer (null), not a failure.
 */
export interface ShardDrive {
  readonly driveId: DriveId;

  /** Stores a whole shard; resolves only when it is durable. For shards below `ownFileBytesMin` (1 MiB). */
  put(shard: ShardWrite): Promise<Receipt>;

  /** Begins a shard of unknown length, written in pieces and kept in a file of its own. */
  begin(identity: ShardIdentity, purpose?: WritePurpose): Promise<ShardStream>;

  /**
   * Reads `window.lengthBytes` of payload from `window.offsetBytes` (a multiple of the 64 KiB block) into `into`,
   * together with the stored checksums of those blocks. Does NOT verify the blocks: the caller does, end to end, once
   * (`Codec.verifyBlocks` with `shardSeed`). The record's header is verified. null: no such shard here.
   * The length is cut at the end of the shard.
   */
  read(ref: ShardRef, window: ByteWindow, into: Uint8Array): Promise<ShardWindow | null>;

  /**
   * As `read`, without waiting, when the bytes are surely in this process' page cache; `undefined` when they may not be
   * (then call `read`). Costs no thread hop: small hot reads.
   */
  readNow?(ref: ShardRef, window: ByteWindow, into: Uint8Array): ShardWindow | null | undefined;

  /** The shard's header, footer and place, without payload; null: not here. */
  describe(ref: ShardRef): Promise<ShardDescription | null>;

  /** Writes tombstones; resolves when they are durable. Shards that are not here are passed over. */
  remove(refs: readonly ShardRef[]): Promise<void>;

  /**
   * From now on the drive refuses writes to the group below the epoch, with `retry` VIEW_BEHIND (correctness.md F6); durable when
   * it resolves, and no older write can come any more. A lower epoch than the sealed one changes nothing.
   */
  sealGroup(group: number, epoch: number): Promise<void>;

  /** null: the group was never sealed here. */
  sealedEpoch(group: number): Promise<number | null>;

  /**
   * As `remove`, for moves and repair: only what lies in groups that are sealed at exactly this epoch (R4). Else ClusterFailure `retry`
   * VIEW_BEHIND, and what had not been removed by then stays.
   */
  removeAtEpoch(refs: readonly ShardRef[], epoch: number): Promise<void>;

  /** All shards held of one group (or of all, `group` null), in key order, from `after` on, at most `limit`. */
  inventory(page: InventoryPage): Promise<ShardDescription[]>;

  status(): DriveStatus;
}

/** A shard's name. `group` is the chunk's placement group: index keys begin with it. */
export interface ShardRef {
  readonly group: number;
  readonly dataId: DataId;
  /** 0, 1, ... within the body that dataId names. */
  readonly chunkIndex: number;
  /** 0..k+m-1; data shards first. */
  readonly shardIndex: number;
}

/** What a shard says of itself in its header. */
export interface ShardIdentity extends ShardRef {
  readonly pool: number;
  readonly epoch: number;
  readonly k: number;
  readonly m: number;
  readonly session: SessionId;
  /** Grows by one with each write that this session begins (R8). */
  readonly writeNumber: number;
  readonly ownerBucketId: BucketId;
  /** The object key, raw bytes. */
  readonly ownerKey: Uint8Array;
}

/** `repair`: what is written restores redundancy, and may use the part of a drive that is kept free for it. */
export type WritePurpose = "client" | "repair";

export interface ShardWrite {
  readonly identity: ShardIdentity;
  /** Absent: for a client. */
  readonly purpose?: WritePurpose;
  /** Bytes of the chunk's body (all shards together, without padding). */
  readonly chunkSizeBytes: number;
  /** The shard's bytes; in shared memory; must not change until put settles. */
  readonly payload: Uint8Array;
  /** 8 bytes for each 64 KiB block of the payload, seeded by `shardSeed`. */
  readonly blockChecksums: Uint8Array;
  /** 8 bytes for each of the chunk's k+m shards: `shardDigest` of its block checksums. */
  readonly shardDigests: Uint8Array;
}

/** A shard being written in pieces. A finish that is not refused for its epoch, or an abort, ends it. */
export interface ShardStream {
  /** Appends payload, a multiple of 64 KiB but for the last piece. The buffer must not change until this settles. */
  append(payload: Uint8Array, blockChecksums: Uint8Array): Promise<void>;
  /** Makes it durable and visible. Refused for its epoch (`retry` VIEW_BEHIND) it can be finished again under a newer one. */
  finish(end: ShardEnd): Promise<Receipt>;
  /** Leaves nothing behind, also after a finish that failed; not for a shard that is finished. Never rejects. */
  abort(): Promise<void>;
}

export interface ShardEnd {
  readonly chunkSizeBytes: number;
  /** 8 bytes for each of the chunk's k+m shards. */
  readonly shardDigests: Uint8Array;
  /** Of the group, as its writer knows it by now. Absent: the epoch that the shard was begun under. */
  readonly epoch?: number;
}

/** A write that a drive refused because its group's epoch is over: whoever sent it looks at the group again. */
export function isEpochOver(failure: unknown): boolean {
  return failure instanceof ClusterFailure && failure.kind === "retry" && failure.reason === "VIEW_BEHIND";
}

/** Given only after the sync that covers the shard. */
export interface Receipt {
  readonly driveId: DriveId;
  readonly epoch: number;
}

export interface ByteWindow {
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}

export interface ShardWindow {
  /** Bytes put into `into`. */
  readonly lengthBytes: number;
  /** 8 bytes for each block touched, as stored. A view that lives until the next call on this drive: use at once or copy. */
  readonly blockChecksums: Buffer;
  readonly shardSizeBytes: number;
  readonly chunkSizeBytes: number;
}

export interface ShardDescription {
  readonly identity: ShardIdentity;
  readonly chunkSizeBytes: number;
  readonly shardSizeBytes: number;
  /** k+m digests of 8 bytes. */
  readonly shardDigests: Buffer;
}

export interface InventoryPage {
  readonly group: number | null;
  readonly after: ShardRef | null;
  readonly limit: number;
}

/**
 * - `online`: takes and gives shards
 * - `suspect`: slow or hung; asked last, writes may go elsewhere
 * - `full`: reads and deletes only
 * - `failed`: a sync failed or the device errs; reads are tried, nothing is written
 * - `offline`: not there (folder missing, unmounted, foreign); `reason` says why
 */
export type DriveCondition = "online" | "suspect" | "full" | "failed" | "offline";

export interface DriveStatus {
  readonly driveId: DriveId;
  /** The directory or URL, for people. */
  readonly place: string;
  readonly condition: DriveCondition;
  readonly reason: ReasonCode | null;
  /** Monotonic: since when its node, which answered before, does not. Absent: it answers, or never did. */
  readonly awaySinceMs?: number;
  readonly freeBytes: number;
  readonly totalBytes: number;
  readonly shardCount: number;
  readonly garbageBytes: number;
}
