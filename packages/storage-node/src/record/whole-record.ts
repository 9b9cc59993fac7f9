import type { ShardRef } from "@kakera/rpc";
import { decodeRecordHead, type RecordHead } from "./record-head.ts";
import { entryOf, recordBytesOf, type RecordEntry } from "./record-entry.ts";
import { decodeRecordTail, type RecordTail } from "./record-tail.ts";

/** A record that lies whole in memory, head and tail proven. The parts are views. */
export interface WholeRecord {
  readonly head: RecordHead;
  readonly entry: RecordEntry;
  readonly payload: Buffer;
  /** null: the record has no payload. */
  readonly tail: RecordTail | null;
}

/** `bytes` begin with the record that is at `offset` of its segment. null: none there, or it is damaged. */
export function readWholeRecord(bytes: Buffer, seed: number, offset: number): WholeRecord | null {
  const head = decodeRecordHead(bytes, seed);
  if (head === null) return null;
  const entry = entryOf(head, offset);
  if (head.kind !== "shard") return { head, entry, payload: bytes.subarray(0, 0), tail: null };
  if (bytes.byteLength < recordBytesOf(entry)) return null;
  const tail = decodeRecordTail(bytes.subarray(head.tailOffset), head);
  if (tail === null) return null;
  return { head, entry, payload: bytes.subarray(head.payloadOffset, head.payloadOffset + head.payloadBytes), tail };
}

export function isSameRef(a: ShardRef, b: ShardRef): boolean {
  return a.dataId === b.dataId && a.chunkIndex === b.chunkIndex && a.shardIndex === b.shardIndex && a.group === b.group;
}
