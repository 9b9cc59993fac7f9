import { hash } from "node:crypto";
import { assert } from "@kakera/kernel";
import { journal, type CheckpointHead, type CheckpointTail } from "@kakera/protocol";
import type { RangeEntry, ViewPosition } from "../ports/view.ts";

/**
 * A checkpoint file: a head block of 4 KiB, blocks of entries in order of key, a tail block of 4 KiB. A block is
 *
 * | at | bytes | |
 * |---|---|---|
 * | 0 | 8 | magic `KKCHECK1`: its last character is the version |
 * | 8 | 1 | kind: 1 = head, 2 = entries, 3 = tail |
 * | 9 | 3 | zero |
 * | 12 | 4 | bytes of payload |
 * | 16 | 8 | number of the block in the file, from 0 |
 * | 24 | 16 | checksum: the first 16 bytes of SHA-256 over bytes 0 to 23, the log id (16) and the payload |
 * | 40 | | payload: protobuf in head and tail (zeros up to 4 KiB follow), else entries |
 *
 * An entry is {key bytes (2), revision (6), value bytes (4), key, value}. Numbers are big endian.
 */
export const edgeBlockBytes = 4096;
export const checkpointBlockHeaderBytes = 40;
const magic = Buffer.from("KKCHECK1");
const entryHeaderBytes = 12;
const kinds = { head: 1, entries: 2, tail: 3 } as const;
export type CheckpointBlockKind = keyof typeof kinds;

export interface CheckpointBlockHeader {
  readonly kind: CheckpointBlockKind;
  readonly payloadBytes: number;
  readonly number: number;
  readonly checksum: string;
}

/** A block of its own: payload and header in one buffer. Head and tail are filled up to 4 KiB. */
export function encodeCheckpointBlock(
  kind: CheckpointBlockKind,
  payload: Uint8Array,
  place: { number: number; logId: string },
): Buffer {
  const sizeBytes = checkpointBlockHeaderBytes + payload.byteLength;
  assert(kind === "entries" || sizeBytes <= edgeBlockBytes, "head and tail fit a block");
  const block = Buffer.alloc(kind === "entries" ? sizeBytes : edgeBlockBytes);
  magic.copy(block);
  block[8] = kinds[kind];
  block.writeUInt32BE(payload.byteLength, 12);
  block.writeBigUInt64BE(BigInt(place.number), 16);
  block.set(payload, checkpointBlockHeaderBytes);
  block.write(checksumOf(block, payload.byteLength, place.logId), 24, "hex");
  return block;
}

/** null when these bytes are no block's header. `bytes`: at least 40. */
export function readCheckpointBlockHeader(bytes: Buffer): CheckpointBlockHeader | null {
  if (bytes.byteLength < checkpointBlockHeaderBytes || magic.compare(bytes, 0, magic.byteLength) !== 0) return null;
  const kind = (Object.keys(kinds) as CheckpointBlockKind[]).find((name) => kinds[name] === bytes[8]);
  if (kind === undefined) return null;
  return {
    kind,
    payloadBytes: bytes.readUInt32BE(12),
    number: Number(bytes.readBigUInt64BE(16)),
    checksum: bytes.toString("hex", 24, 40),
  };
}

/** The payload of an intact block, as a view; null when it is damaged. */
export function checkpointPayload(block: Buffer, header: CheckpointBlockHeader, logId: string): Buffer | null {
  const end = checkpointBlockHeaderBytes + header.payloadBytes;
  if (block.byteLength < end || checksumOf(block, header.payloadBytes, logId) !== header.checksum) return null;
  return block.subarray(checkpointBlockHeaderBytes, end);
}

export function entryBytes(key: Uint8Array, value: Uint8Array): number {
  return entryHeaderBytes + key.byteLength + value.byteLength;
}

/** Writes one entry at `at`; returns where the next goes. */
export function writeEntry(
  into: Buffer,
  at: number,
  entry: { key: Uint8Array; value: Uint8Array; revision: number },
): number {
  into.writeUInt16BE(entry.key.byteLength, at);
  into.writeUIntBE(entry.revision, at + 2, 6);
  into.writeUInt32BE(entry.value.byteLength, at + 8);
  into.set(entry.key, at + entryHeaderBytes);
  into.set(entry.value, at + entryHeaderBytes + entry.key.byteLength);
  return at + entryBytes(entry.key, entry.value);
}

/** The entries of a block's payload; keys and values are views of it. */
export function readEntries(payload: Buffer): RangeEntry[] {
  const entries: RangeEntry[] = [];
  for (let at = 0; at < payload.byteLength;) {
    const keyAt = at + entryHeaderBytes;
    const valueAt = keyAt + payload.readUInt16BE(at);
    const end = valueAt + payload.readUInt32BE(at + 8);
    entries.push({
      key: payload.subarray(keyAt, valueAt),
      revision: payload.readUIntBE(at + 2, 6),
      value: payload.subarray(valueAt, end),
    });
    at = end;
  }
  return entries;
}

/** `logName`: of an archive, the name that `logId` is a hash of. */
export function encodeHead(
  identity: { clusterId: string; logId: string; logName: string },
  from: ViewPosition,
): Uint8Array {
  return journal.CheckpointHead.encode({
    clusterId: Buffer.from(identity.clusterId, "hex"),
    logId: Buffer.from(identity.logId, "hex"),
    from: positionMessage(from),
    ...(identity.logName === "" ? {} : { logName: identity.logName }),
  }).finish();
}

export interface CheckpointEnd {
  readonly from: ViewPosition;
  readonly until: ViewPosition;
  readonly entryCount: number;
  readonly blockCount: number;
  /** Drive ids. */
  readonly forgotten: readonly string[];
}

export function encodeTail(end: CheckpointEnd): Uint8Array {
  return journal.CheckpointTail.encode({
    ...end,
    from: positionMessage(end.from),
    until: positionMessage(end.until),
    forgotten: end.forgotten.map((id) => Buffer.from(id, "hex")),
  }).finish();
}

export function decodeHead(payload: Uint8Array): CheckpointHead {
  return journal.CheckpointHead.decode(payload);
}

export function decodeTail(payload: Uint8Array): CheckpointTail {
  return journal.CheckpointTail.decode(payload);
}

function positionMessage(position: ViewPosition): {
  term: number;
  sequence: number;
  revision: number;
  checksum: Buffer;
} {
  const { term, sequence, revision } = position;
  return { term, sequence, revision, checksum: Buffer.from(position.checksum, "hex") };
}

function checksumOf(block: Buffer, payloadBytes: number, logId: string): string {
  // The log id stands in the checksum's place while it is computed.
  const stored = block.subarray(24, checkpointBlockHeaderBytes);
  const kept = Buffer.from(stored);
  stored.write(logId, "hex");
  const digest = hash("sha256", block.subarray(0, checkpointBlockHeaderBytes + payloadBytes), "hex").slice(0, 32);
  kept.copy(stored);
  return digest;
}
