import { crc32 } from "node:zlib";
import { readUint64, writeUint64 } from "../record/numbers.ts";

/** "KKBT" */
const magic = 0x5442_4b4b;
const version = 1;
const checkedBytes = 36;
export const batchHeaderBytes = 64;

/**
 * Stands before the records of one group commit, at the start of a block. Batches of a segment are written one after the
 * other, each when the one before is durable: so all but the last are known to have been durable, and only the last can be torn.
 */
export interface BatchHeader {
  /** From the segment's start; a batch that was read from elsewhere tells. */
  readonly offset: number;
  /** Header and records, without the padding of the last block. */
  readonly batchBytes: number;
  readonly recordCount: number;
  /** The drive's next sequence number after this batch. */
  readonly nextSequence: number;
}

export function encodeBatchHeader(header: BatchHeader, seed: number, into: Buffer): void {
  into.fill(0, 0, batchHeaderBytes);
  into.writeUInt32LE(magic, 0);
  into.writeUInt16LE(version, 4);
  writeUint64(into, header.offset, 8);
  into.writeUInt32LE(header.batchBytes, 16);
  into.writeUInt32LE(header.recordCount, 20);
  writeUint64(into, header.nextSequence, 24);
  into.writeUInt32LE(crc32(into.subarray(0, checkedBytes), seed), checkedBytes);
}

/** null: no batch of this segment begins at `offset`. */
export function decodeBatchHeader(bytes: Buffer, seed: number, offset: number): BatchHeader | null {
  if (bytes.byteLength < batchHeaderBytes || bytes.readUInt32LE(0) !== magic || bytes.readUInt16LE(4) !== version)
    return null;
  if (crc32(bytes.subarray(0, checkedBytes), seed) !== bytes.readUInt32LE(checkedBytes)) return null;
  if (readUint64(bytes, 8) !== offset) return null;
  return {
    offset,
    batchBytes: bytes.readUInt32LE(16),
    recordCount: bytes.readUInt32LE(20),
    nextSequence: readUint64(bytes, 24),
  };
}
