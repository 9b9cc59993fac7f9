import { crc32 } from "node:zlib";
import { checksumKinds } from "@kakera/erasure";
import { alignUp, assert, idBytes, idFromBytes } from "@kakera/kernel";
import type { ShardIdentity, ShardRef } from "@kakera/rpc";
import { readUint64, writeUint64 } from "./numbers.ts";

/** "KKRH" */
const magic = 0x4852_4b4b;
const version = 1;

const fixedHeadBytes = 136;
const checksumOffset = 128;
const ownerKeyBytesMax = 1024;
export const headBytesMax = fixedHeadBytes + ownerKeyBytesMax;

const kindNumbers = { shard: 1, tombstone: 2, seal: 3 } as const;
/**
 * - `shard`: payload and tail follow
 * - `tombstone`: the shard's records up to `killsUpTo` are dead
 * - `seal`: writes to `group` below `epoch` are refused
 */
export type RecordKind = keyof typeof kindNumbers;
const kindNames: readonly (RecordKind | undefined)[] = [undefined, "shard", "tombstone", "seal"];

/** The first bytes of a record, decoded. Layout: README, "Format". */
export interface RecordHead {
  readonly kind: RecordKind;
  readonly identity: ShardIdentity;
  /** The drive's own count of records; kept when the record is copied. The higher one of a shard's records is the newer. */
  readonly sequence: number;
  /** Of a tombstone; else 0. */
  readonly killsUpTo: number;
  readonly chunkSizeBytes: number;
  readonly payloadBytes: number;
  /** From the record's start. */
  readonly payloadOffset: number;
  /** From the record's start. Without payload: the record's end. */
  readonly tailOffset: number;
  readonly headBytes: number;
  /** k + m. */
  readonly shardCount: number;
  /** Ties the tail to this head. */
  readonly checksum: number;
}

export type RecordHeadInput = Omit<RecordHead, "headBytes" | "shardCount" | "checksum">;

/** Bytes that the head of a record with so long an owner key takes: a multiple of 8. */
export function headBytesOf(ownerKeyBytes: number): number {
  assert(ownerKeyBytes <= ownerKeyBytesMax, `an owner's key has at most ${ownerKeyBytesMax} bytes`);
  return alignUp(fixedHeadBytes + ownerKeyBytes, 8);
}

/** Writes the head to the start of `into` and returns its checksum. */
export function encodeRecordHead(head: RecordHeadInput, seed: number, into: Buffer): number {
  const { identity } = head;
  const headBytes = headBytesOf(identity.ownerKey.byteLength);
  into.fill(0, 0, headBytes);
  into.writeUInt32LE(magic, 0);
  into.writeUInt16LE(version, 4);
  into.writeUInt8(kindNumbers[head.kind], 6);
  into.writeUInt8(checksumKinds.xxh3, 7);
  into.writeUInt16LE(headBytes, 8);
  into.writeUInt16LE(identity.ownerKey.byteLength, 10);
  into.writeUInt8(identity.k, 12);
  into.writeUInt8(identity.m, 13);
  into.writeUInt8(identity.shardIndex, 14);
  into.write(identity.dataId, 16, "hex");
  into.writeUInt32LE(identity.chunkIndex, 32);
  into.writeUInt32LE(identity.group, 36);
  into.writeUInt32LE(identity.pool, 40);
  into.writeUInt32LE(head.payloadOffset, 44);
  writeUint64(into, identity.epoch, 48);
  into.write(identity.session, 56, "hex");
  writeUint64(into, identity.writeNumber, 72);
  writeUint64(into, head.sequence, 80);
  writeUint64(into, head.chunkSizeBytes, 88);
  writeUint64(into, head.payloadBytes, 96);
  writeUint64(into, head.tailOffset, 104);
  idBytes(identity.ownerBucketId).copy(into, 112);
  writeUint64(into, head.killsUpTo, 120);
  into.set(identity.ownerKey, fixedHeadBytes);
  const checksum = crc32(into.subarray(0, headBytes), seed);
  into.writeUInt32LE(checksum, checksumOffset);
  return checksum;
}

/** Decodes the head at the start of `bytes`; null when there is none, or it is damaged, or belongs to another container. */
export function decodeRecordHead(bytes: Buffer, seed: number): RecordHead | null {
  const headBytes = provenHeadBytes(bytes, seed);
  if (headBytes === null) return null;
  const kind = kindNames[bytes.readUInt8(6)];
  if (kind === undefined || bytes.readUInt16LE(4) !== version || bytes.readUInt8(7) !== checksumKinds.xxh3) return null;
  const ownerKeyBytes = bytes.readUInt16LE(10);
  return {
    kind,
    identity: {
      group: bytes.readUInt32LE(36),
      dataId: idFromBytes("data", bytes.subarray(16, 32)),
      chunkIndex: bytes.readUInt32LE(32),
      shardIndex: bytes.readUInt8(14),
      pool: bytes.readUInt32LE(40),
      epoch: readUint64(bytes, 48),
      k: bytes.readUInt8(12),
      m: bytes.readUInt8(13),
      session: idFromBytes("session", bytes.subarray(56, 72)),
      writeNumber: readUint64(bytes, 72),
      ownerBucketId: idFromBytes("bucket", bytes.subarray(112, 120)),
      ownerKey: Buffer.from(bytes.subarray(fixedHeadBytes, fixedHeadBytes + ownerKeyBytes)),
    },
    sequence: readUint64(bytes, 80),
    killsUpTo: readUint64(bytes, 120),
    chunkSizeBytes: readUint64(bytes, 88),
    payloadBytes: readUint64(bytes, 96),
    payloadOffset: bytes.readUInt32LE(44),
    tailOffset: readUint64(bytes, 104),
    headBytes,
    shardCount: bytes.readUInt8(12) + bytes.readUInt8(13),
    checksum: bytes.readUInt32LE(checksumOffset),
  };
}

/** What a reader of payload needs of a head. */
export type HeadLayout = Pick<
  RecordHead,
  "payloadOffset" | "payloadBytes" | "tailOffset" | "chunkSizeBytes" | "shardCount" | "checksum"
>;

const wantedDataId = Buffer.alloc(16);

/**
 * Proves that `bytes` begin with the head of this very shard's record, as `decodeRecordHead` and a comparison would do,
 * without making what nobody looks at: it is on the path of every small read. null: it is not.
 */
export function proveShardHead(
  bytes: Buffer,
  seed: number,
  wanted: { readonly ref: ShardRef; readonly sequence: number },
): HeadLayout | null {
  if (provenHeadBytes(bytes, seed) === null) return null;
  const { ref, sequence } = wanted;
  const isReadable = bytes.readUInt16LE(4) === version && bytes.readUInt8(7) === checksumKinds.xxh3;
  if (!isReadable || bytes.readUInt8(6) !== kindNumbers.shard || readUint64(bytes, 80) !== sequence) return null;
  if (
    bytes.readUInt32LE(32) !== ref.chunkIndex ||
    bytes.readUInt8(14) !== ref.shardIndex ||
    bytes.readUInt32LE(36) !== ref.group
  )
    return null;
  wantedDataId.write(ref.dataId, "hex");
  if (bytes.compare(wantedDataId, 0, 16, 16, 32) !== 0) return null;
  return {
    payloadOffset: bytes.readUInt32LE(44),
    payloadBytes: readUint64(bytes, 96),
    tailOffset: readUint64(bytes, 104),
    chunkSizeBytes: readUint64(bytes, 88),
    shardCount: bytes.readUInt8(12) + bytes.readUInt8(13),
    checksum: bytes.readUInt32LE(checksumOffset),
  };
}

/** The head's length when its checksum holds. The checksum was taken with its own field zero. */
function provenHeadBytes(bytes: Buffer, seed: number): number | null {
  if (bytes.byteLength < fixedHeadBytes || bytes.readUInt32LE(0) !== magic) return null;
  const headBytes = bytes.readUInt16LE(8);
  if (headBytes < fixedHeadBytes || headBytes > bytes.byteLength || headBytes > alignUp(headBytesMax, 8)) return null;
  if (bytes.readUInt16LE(10) > headBytes - fixedHeadBytes) return null;
  const before = crc32(bytes.subarray(0, checksumOffset), seed);
  const after = crc32(bytes.subarray(checksumOffset + 4, headBytes), crc32(fourZeros, before));
  return after === bytes.readUInt32LE(checksumOffset) ? headBytes : null;
}

const fourZeros = Buffer.alloc(4);
