import type { BucketId, DataId, SessionId } from "@kakera/kernel";
import type { ShardIdentity, ShardRef, ShardWrite } from "@kakera/rpc";
import { encodeRecordHead, headBytesOf, type RecordKind } from "../record/record-head.ts";
import { recordBytesOf, tailOffsetOf, type RecordEntry } from "../record/record-entry.ts";
import { encodeRecordTail } from "../record/record-tail.ts";
import type { WholeRecord } from "../record/whole-record.ts";

/** A record that waits to be written into a segment. Its bytes must not change until then. */
export interface PendingRecord {
  readonly kind: RecordKind;
  readonly identity: ShardIdentity;
  readonly chunkSizeBytes: number;
  readonly payload: Uint8Array;
  readonly blockChecksums: Uint8Array;
  readonly shardDigests: Uint8Array;
  /** Of a copy: that of the record it copies. null: the next one. */
  readonly sequence: number | null;
  /** Of a seal, and of a copied tombstone. A new tombstone's is found when its batch is formed. */
  readonly mark: number | null;
}

const nothing = new Uint8Array(0);
const noData = "0".repeat(32) as DataId;
const noSession = "0".repeat(32) as SessionId;
const noBucket = "0".repeat(16) as BucketId;

export function pendingShard(shard: ShardWrite): PendingRecord {
  return { kind: "shard", ...shard, sequence: null, mark: 0 };
}

/** A tombstone for the shard's live record, if it has one when the batch is formed. */
export function pendingTombstone(ref: ShardRef): PendingRecord {
  return bare("tombstone", ref, 0);
}

/** Writes to the group below the epoch are refused from now on. */
export function pendingSeal(group: number, epoch: number): PendingRecord {
  return { ...bare("seal", { group, dataId: noData, chunkIndex: 0, shardIndex: 0 }, epoch), mark: epoch };
}

/** A record to be written once more, at another place, as what it is. Its parts are views of what was read. */
export function pendingCopy(record: WholeRecord): PendingRecord {
  const { kind, identity, chunkSizeBytes, sequence } = record.head;
  return {
    kind,
    identity,
    chunkSizeBytes,
    sequence,
    payload: record.payload,
    blockChecksums: record.tail?.blockChecksums ?? nothing,
    shardDigests: record.tail?.shardDigests ?? nothing,
    mark: record.entry.mark,
  };
}

function bare(kind: RecordKind, ref: ShardRef, epoch: number): PendingRecord {
  const { group, dataId, chunkIndex, shardIndex } = ref;
  return {
    kind,
    identity: {
      group,
      dataId,
      chunkIndex,
      shardIndex,
      epoch,
      pool: 0,
      k: 0,
      m: 0,
      session: noSession,
      writeNumber: 0,
      ownerBucketId: noBucket,
      ownerKey: nothing,
    },
    chunkSizeBytes: 0,
    payload: nothing,
    blockChecksums: nothing,
    shardDigests: nothing,
    sequence: null,
    mark: null,
  };
}

export function pendingBytes(record: PendingRecord): number {
  const { k, m, ownerKey } = record.identity;
  const headBytes = headBytesOf(ownerKey.byteLength);
  return recordBytesOf({ kind: record.kind, headBytes, payloadBytes: record.payload.byteLength, shardCount: k + m });
}

export interface RecordPlacing {
  readonly sequence: number;
  readonly mark: number;
  /** From the segment's start. */
  readonly offset: number;
  readonly seed: number;
}

/** Writes the record to `into`, which is exactly `pendingBytes` long. */
export function encodePending(record: PendingRecord, placing: RecordPlacing, into: Buffer): RecordEntry {
  const { kind, identity, payload, chunkSizeBytes } = record;
  const headBytes = headBytesOf(identity.ownerKey.byteLength);
  const payloadBytes = payload.byteLength;
  const tailOffset = kind === "shard" ? tailOffsetOf(headBytes, payloadBytes) : headBytes;
  const { sequence, mark, offset, seed } = placing;
  const checksum = encodeRecordHead(
    {
      kind,
      identity,
      sequence,
      killsUpTo: kind === "tombstone" ? mark : 0,
      chunkSizeBytes,
      payloadBytes,
      payloadOffset: headBytes,
      tailOffset,
    },
    seed,
    into,
  );
  if (kind === "shard") {
    into.set(payload, headBytes);
    into.fill(0, headBytes + payloadBytes, tailOffset);
    encodeRecordTail(record, checksum, into.subarray(tailOffset));
  }
  const { group, dataId, chunkIndex, shardIndex, k, m } = identity;
  return {
    kind,
    sequence,
    mark,
    offset,
    headBytes,
    payloadBytes,
    chunkSizeBytes,
    ref: { group, dataId, chunkIndex, shardIndex },
    shardCount: k + m,
  };
}
