import { crc32 } from "node:zlib";
import { idBytes, type DriveId } from "@kakera/kernel";
import { readUint64, writeUint64 } from "../record/numbers.ts";

/** "KKSG" */
const magic = 0x4753_4b4b;
const version = 1;
const checkedBytes = 48;
/** The unit of what is written together: no two group commits share a block [F23]. */
export const segmentBlockBytes = 4096;
export const segmentFolder = "segments";

/** The first block of a segment. */
export interface SegmentHeader {
  readonly driveId: DriveId;
  /** Never used twice on a drive. */
  readonly segmentId: number;
  /** The size at which the segment is sealed. */
  readonly sizeBytes: number;
  /** The drive's next sequence number when the segment was begun. */
  readonly firstSequence: number;
}

export function encodeSegmentHeader(header: SegmentHeader): Buffer {
  const bytes = Buffer.alloc(segmentBlockBytes);
  bytes.writeUInt32LE(magic, 0);
  bytes.writeUInt16LE(version, 4);
  idBytes(header.driveId).copy(bytes, 8);
  writeUint64(bytes, header.segmentId, 24);
  writeUint64(bytes, header.sizeBytes, 32);
  writeUint64(bytes, header.firstSequence, 40);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, checkedBytes)), checkedBytes);
  return bytes;
}

/** null: no header of this drive and segment. */
export function decodeSegmentHeader(bytes: Buffer, driveId: DriveId, segmentId: number): SegmentHeader | null {
  if (bytes.byteLength < checkedBytes + 4 || bytes.readUInt32LE(0) !== magic || bytes.readUInt16LE(4) !== version)
    return null;
  if (crc32(bytes.subarray(0, checkedBytes)) !== bytes.readUInt32LE(checkedBytes)) return null;
  if (!bytes.subarray(8, 24).equals(idBytes(driveId)) || readUint64(bytes, 24) !== segmentId) return null;
  return {
    driveId,
    segmentId,
    sizeBytes: readUint64(bytes, 32),
    firstSequence: readUint64(bytes, 40),
  };
}

/** Segments that one run of the process may begin: a petabyte's worth. */
const segmentsPerIncarnation = 2 ** 21;

/** The first segment id of a run. Ids grow with the incarnation, which is durable before it is used. */
export function firstSegmentId(incarnation: number): number {
  return incarnation * segmentsPerIncarnation + 1;
}

export function segmentPath(segmentId: number): string {
  return `${segmentFolder}/${segmentId.toString(16).padStart(14, "0")}.segment`;
}

/** The id in the name of a segment's file; null when the name is another's. */
export function segmentIdOf(name: string): number | null {
  const match = /^([0-9a-f]{14})\.segment$/.exec(name);
  return match === null ? null : Number.parseInt(match[1]!, 16);
}
