import { hash } from "node:crypto";
import { alignUp, assert } from "@kakera/kernel";

/**
 * A batch on a drive: a header of 128 bytes, the payload, and zeros up to the next 4 KiB block, so that no later write
 * touches a block that was acknowledged (correctness.md F23b). Batches are found by their magic at block boundaries.
 *
 * | at | bytes | |
 * |---|---|---|
 * | 0 | 8 | magic `KKBATCH1`: its last character is the version |
 * | 8 | 1 | kind: 1 = changes, 2 = term, 3 = archived: a group of another log's batches |
 * | 9 | 3 | zero |
 * | 12 | 4 | bytes of payload |
 * | 16 | 16 | cluster id |
 * | 32 | 16 | log id |
 * | 48 | 8 | term |
 * | 56 | 8 | sequence: one more than that of the batch before |
 * | 64 | 8 | revision of the last change in this batch, or in those before when it holds none |
 * | 72 | 8 | sequence of the last batch that was acknowledged when this one was written |
 * | 80 | 16 | checksum of the batch before; zeros for the first |
 * | 96 | 16 | zero |
 * | 112 | 16 | checksum: SHA-256 over bytes 0 to 111 and the payload, its first 16 bytes |
 *
 * Numbers are big endian. The checksum is a cryptographic one because it stands for everything before it: it is the
 * lineage that views, checkpoints and identity files refer to.
 */
export interface BatchHeader extends BatchSummary {
  readonly kind: BatchKind;
  readonly clusterId: string;
  readonly logId: string;
  readonly revision: number;
  readonly acknowledged: number;
  readonly payloadBytes: number;
}

/** A batch as the rules of recovery see it. Checksums are hex. */
export interface BatchSummary {
  readonly term: number;
  readonly sequence: number;
  readonly before: string;
  readonly checksum: string;
}

type BatchKind = keyof typeof kinds;

export const blockBytes = 4096;
export const headerBytes = 128;
const magic = Buffer.from("KKBATCH1");
const kinds = { changes: 1, term: 2, archived: 3 } as const;
const checksumAt = 112;
const checksumBytes = 16;
const payloadBytesMax = 2 ** 31;

/** Bytes that a batch takes on a drive. */
export function batchBytes(payloadBytes: number): number {
  return alignUp(headerBytes + payloadBytes, blockBytes);
}

/**
 * Finishes a batch in place: `batch` holds the payload from byte 128 on; this writes the header before it and zeros behind
 * it up to the block's end. Returns the checksum. `batch` is exactly `batchBytes(payloadBytes)` long.
 */
export function sealBatch(batch: Buffer, header: Omit<BatchHeader, "checksum">): string {
  assert(batch.byteLength === batchBytes(header.payloadBytes), "a batch fills whole blocks");
  batch.fill(0, 0, headerBytes);
  batch.fill(0, headerBytes + header.payloadBytes);
  magic.copy(batch, 0);
  batch[8] = kinds[header.kind];
  batch.writeUInt32BE(header.payloadBytes, 12);
  batch.write(header.clusterId, 16, "hex");
  batch.write(header.logId, 32, "hex");
  writeUint64(batch, header.term, 48);
  writeUint64(batch, header.sequence, 56);
  writeUint64(batch, header.revision, 64);
  writeUint64(batch, header.acknowledged, 72);
  batch.write(header.before, 80, "hex");
  const checksum = checksumOf(batch, header.payloadBytes);
  batch.write(checksum, checksumAt, "hex");
  return checksum;
}

/** Whether a batch may begin here: only its magic is looked at. `block`: at least 8 bytes. */
export function looksLikeBatch(block: Buffer): boolean {
  return block.byteLength >= magic.byteLength && magic.compare(block, 0, magic.byteLength) === 0;
}

/** The header, unverified; null when these bytes cannot be one. `bytes`: at least 128. */
export function readHeader(bytes: Buffer): BatchHeader | null {
  if (!looksLikeBatch(bytes)) return null;
  const kind = (Object.keys(kinds) as BatchKind[]).find((name) => kinds[name] === bytes[8]);
  const payloadBytes = bytes.readUInt32BE(12);
  if (kind === undefined || payloadBytes > payloadBytesMax) return null;
  return {
    kind,
    payloadBytes,
    clusterId: bytes.toString("hex", 16, 32),
    logId: bytes.toString("hex", 32, 48),
    term: readUint64(bytes, 48),
    sequence: readUint64(bytes, 56),
    revision: readUint64(bytes, 64),
    acknowledged: readUint64(bytes, 72),
    before: bytes.toString("hex", 80, 96),
    checksum: bytes.toString("hex", checksumAt, headerBytes),
  };
}

/** Whether the batch is as it was written. `batch`: from its first byte, at least header and payload. */
export function isIntact(batch: Buffer, header: BatchHeader): boolean {
  return (
    batch.byteLength >= headerBytes + header.payloadBytes && checksumOf(batch, header.payloadBytes) === header.checksum
  );
}

export function payloadOf(batch: Buffer, header: BatchHeader): Buffer {
  return batch.subarray(headerBytes, headerBytes + header.payloadBytes);
}

function checksumOf(batch: Buffer, payloadBytes: number): string {
  // Header and payload are hashed in one piece with the checksum's own place as zeros: one call costs less than two updates.
  const stored = batch.subarray(checksumAt, headerBytes);
  const kept = Buffer.from(stored);
  stored.fill(0);
  const digest = hash("sha256", batch.subarray(0, headerBytes + payloadBytes), "hex").slice(0, checksumBytes * 2);
  kept.copy(stored);
  return digest;
}

function writeUint64(into: Buffer, value: number, at: number): void {
  into.writeUInt32BE(Math.floor(value / 2 ** 32), at);
  into.writeUInt32BE(value % 2 ** 32, at + 4);
}

function readUint64(from: Buffer, at: number): number {
  return from.readUInt32BE(at) * 2 ** 32 + from.readUInt32BE(at + 4);
}
