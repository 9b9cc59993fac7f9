import { idFromBytes, type DataId } from "@kakera/kernel";
import type { ShardRef } from "@kakera/rpc";
import { readUint64, writeUint64 } from "./numbers.ts";
import type { RecordHead, RecordKind } from "./record-head.ts";
import { tailBytesOf } from "./record-tail.ts";

/** What the index and a segment's table know of one record: enough to find and to judge it without reading it. */
export interface RecordEntry {
  readonly kind: RecordKind;
  readonly ref: ShardRef;
  readonly sequence: number;
  /** Of a tombstone: the sequence number up to which it kills. Of a seal: the epoch. Else 0. */
  readonly mark: number;
  /** From the segment's start; 0 in a file of its own. */
  readonly offset: number;
  readonly headBytes: number;
  readonly payloadBytes: number;
  readonly chunkSizeBytes: number;
  /** k + m. */
  readonly shardCount: number;
}

export const entryBytes = 64;
const kinds: readonly RecordKind[] = ["shard", "tombstone", "seal"];

export function entryOf(head: RecordHead, offset: number): RecordEntry {
  const { group, dataId, chunkIndex, shardIndex, k, m, epoch } = head.identity;
  return {
    kind: head.kind,
    ref: { group, dataId, chunkIndex, shardIndex },
    sequence: head.sequence,
    mark: head.kind === "seal" ? epoch : head.killsUpTo,
    offset,
    headBytes: head.headBytes,
    payloadBytes: head.payloadBytes,
    chunkSizeBytes: head.chunkSizeBytes,
    shardCount: k + m,
  };
}

/** From the record's start to its tail, in a segment. */
export function tailOffsetOf(headBytes: number, payloadBytes: number): number {
  return headBytes + Math.ceil(payloadBytes / 8) * 8;
}

/** Bytes that the record takes in a segment: a multiple of 8. */
export function recordBytesOf(entry: Pick<RecordEntry, "kind" | "headBytes" | "payloadBytes" | "shardCount">): number {
  if (entry.kind !== "shard") return entry.headBytes;
  return tailOffsetOf(entry.headBytes, entry.payloadBytes) + tailBytesOf(entry.payloadBytes, entry.shardCount);
}

export function encodeEntry(entry: RecordEntry, into: Buffer, at: number): void {
  into.writeUInt8(kinds.indexOf(entry.kind), at);
  into.writeUInt8(entry.ref.shardIndex, at + 1);
  into.writeUInt16LE(entry.headBytes, at + 2);
  into.writeUInt32LE(entry.ref.group, at + 4);
  into.write(entry.ref.dataId, at + 8, "hex");
  into.writeUInt32LE(entry.ref.chunkIndex, at + 24);
  into.writeUInt32LE(entry.offset, at + 28);
  into.writeUInt32LE(entry.payloadBytes, at + 32);
  into.writeUInt32LE(entry.shardCount, at + 36);
  writeUint64(into, entry.sequence, at + 40);
  writeUint64(into, entry.mark, at + 48);
  writeUint64(into, entry.chunkSizeBytes, at + 56);
}

/** null: no such kind of record. */
export function decodeEntry(bytes: Buffer, at: number): RecordEntry | null {
  const kind = kinds[bytes.readUInt8(at)];
  if (kind === undefined) return null;
  return {
    kind,
    ref: {
      group: bytes.readUInt32LE(at + 4),
      dataId: idFromBytes("data", bytes.subarray(at + 8, at + 24)) as DataId,
      chunkIndex: bytes.readUInt32LE(at + 24),
      shardIndex: bytes.readUInt8(at + 1),
    },
    headBytes: bytes.readUInt16LE(at + 2),
    offset: bytes.readUInt32LE(at + 28),
    payloadBytes: bytes.readUInt32LE(at + 32),
    shardCount: bytes.readUInt32LE(at + 36),
    sequence: readUint64(bytes, at + 40),
    mark: readUint64(bytes, at + 48),
    chunkSizeBytes: readUint64(bytes, at + 56),
  };
}
