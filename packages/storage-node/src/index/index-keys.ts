import { idFromBytes } from "@kakera/kernel";
import type { ShardRef } from "@kakera/rpc";
import { writeUint64, readUint64 } from "../record/numbers.ts";

/**
 * The index's keys: one byte for the kind, then fixed-width components, numbers big-endian where their order matters.
 *
 * | kind | key | value |
 * |---|---|---|
 * | live | group, data id, chunk index, shard index | where the shard's live record is |
 * | tomb | the same | where the tombstone is and up to what it kills |
 * | dead | the same, container | nothing: the container (segment, or own file) holds a record of the shard that is not live |
 * | use | segment id | bytes of it that are live, and whether it is sealed |
 * | seal | group | sealed epoch, and where the record is |
 * | state | - | next sequence number, number of shards |
 * | arriving | sequence number | the shard whose own file is about to get its name |
 * | leaving | sequence number | the shard whose own file is dead and about to be unlinked |
 */
export const keyKind = { live: 1, tomb: 2, dead: 3, use: 4, seal: 5, state: 6, arriving: 7, leaving: 8 } as const;

const refBytes = 26;

export function refKey(kind: number, ref: ShardRef): Buffer {
  const key = Buffer.allocUnsafe(refBytes);
  writeRef(key, kind, ref);
  return key;
}

function writeRef(key: Buffer, kind: number, ref: ShardRef): void {
  key.writeUInt8(kind, 0);
  key.writeUInt32BE(ref.group, 1);
  key.write(ref.dataId, 5, "hex");
  key.writeUInt32BE(ref.chunkIndex, 21);
  key.writeUInt8(ref.shardIndex, 25);
}

export function refOfKey(key: Buffer): ShardRef {
  return {
    group: key.readUInt32BE(1),
    dataId: idFromBytes("data", key.subarray(5, 21)),
    chunkIndex: key.readUInt32BE(21),
    shardIndex: key.readUInt8(25),
  };
}

/** `container`: a segment's id, or -sequence of an own file. */
export function deadKey(ref: ShardRef, container: number): Buffer {
  const key = Buffer.allocUnsafe(refBytes + 9);
  writeRef(key, keyKind.dead, ref);
  key.writeUInt8(container < 0 ? 1 : 0, refBytes);
  writeUint64(key, Math.abs(container), refBytes + 1);
  return key;
}

export function containerOfDeadKey(key: Buffer): number {
  const number = readUint64(key, refBytes + 1);
  return key.readUInt8(refBytes) === 1 ? -number : number;
}

export function groupOfSealKey(key: Buffer): number {
  return key.readUInt32BE(1);
}

/** All dead records of one shard. */
export function deadRange(ref: ShardRef): { from: Buffer; until: Buffer } {
  const from = refKey(keyKind.dead, ref);
  return { from, until: successor(from) };
}

/** All live shards of a group; of every group when it is null. */
export function liveRange(group: number | null): { from: Buffer; until: Buffer } {
  if (group === null) return { from: Buffer.of(keyKind.live), until: Buffer.of(keyKind.live + 1) };
  const from = Buffer.allocUnsafe(5);
  from.writeUInt8(keyKind.live, 0);
  from.writeUInt32BE(group, 1);
  return { from, until: successor(from) };
}

export function kindRange(kind: number): { from: Buffer; until: Buffer } {
  return { from: Buffer.of(kind), until: Buffer.of(kind + 1) };
}

export function useKey(segmentId: number): Buffer {
  const key = Buffer.alloc(9);
  key.writeUInt8(keyKind.use, 0);
  writeUint64(key, segmentId, 1);
  return key;
}

export function segmentOfUseKey(key: Buffer): number {
  return readUint64(key, 1);
}

export function sealKey(group: number): Buffer {
  const key = Buffer.alloc(5);
  key.writeUInt8(keyKind.seal, 0);
  key.writeUInt32BE(group, 1);
  return key;
}

export function sequenceKey(kind: number, sequence: number): Buffer {
  const key = Buffer.alloc(9);
  key.writeUInt8(kind, 0);
  writeUint64(key, sequence, 1);
  return key;
}

export function sequenceOfKey(key: Buffer): number {
  return readUint64(key, 1);
}

export const stateKey = Buffer.of(keyKind.state);

/** The first key after all that begin with `prefix`. */
function successor(prefix: Buffer): Buffer {
  const next = Buffer.from(prefix);
  for (let at = next.byteLength - 1; at >= 0; at--) {
    if (next[at] !== 255) {
      next[at] = next[at]! + 1;
      return next.subarray(0, at + 1);
    }
  }
  throw new RangeError("no key comes after a prefix of 255s");
}
