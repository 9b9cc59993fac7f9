import { crc32 } from "node:zlib";
import { idBytes, idFromBytes, type ClusterId, type DriveId } from "@kakera/kernel";
import { readUint64, writeUint64 } from "../record/numbers.ts";

/** "KKID" */
const magic = 0x4449_4b4b;
const version = 1;
/** The version of all that is in the drive's other files. */
export const formatVersion = 1;
const recordBytes = 128;
const witnessChecksumBytesMax = 32;

/** Whether the drive's folder was a mount point of its own when it was formatted. */
export type DeviceRelation = "own-device" | "parent-device";

/** How far the commit log had come: a drive that is ahead of the log that it meets shows that the log was restored [F15]. */
export interface LogWitness {
  readonly term: number;
  readonly sequence: number;
  /** At most 32 bytes, as the log's driver gives it. */
  readonly checksum: Uint8Array;
}

/** What makes a folder a drive: DIR/.kakera/identity. */
export interface DriveIdentity {
  readonly clusterId: ClusterId;
  readonly driveId: DriveId;
  /** One more at each start; durable before the start goes on. */
  readonly incarnation: number;
  readonly formatVersion: number;
  readonly deviceRelation: DeviceRelation;
  readonly witness: LogWitness | null;
}

export function encodeIdentity(identity: DriveIdentity): Buffer {
  const bytes = Buffer.alloc(recordBytes);
  bytes.writeUInt32LE(magic, 0);
  bytes.writeUInt16LE(version, 4);
  bytes.writeUInt16LE(recordBytes, 6);
  idBytes(identity.clusterId).copy(bytes, 8);
  idBytes(identity.driveId).copy(bytes, 24);
  writeUint64(bytes, identity.incarnation, 40);
  bytes.writeUInt32LE(identity.formatVersion, 48);
  bytes.writeUInt8(identity.deviceRelation === "own-device" ? 1 : 0, 52);
  if (identity.witness !== null) {
    const { term, sequence, checksum } = identity.witness;
    bytes.writeUInt8(1, 53);
    bytes.writeUInt8(checksum.byteLength, 54);
    writeUint64(bytes, term, 56);
    writeUint64(bytes, sequence, 64);
    bytes.set(checksum.subarray(0, witnessChecksumBytesMax), 72);
  }
  bytes.writeUInt32LE(crc32(bytes.subarray(0, recordBytes - 4)), recordBytes - 4);
  return bytes;
}

/** null: no identity, or a damaged one. */
export function decodeIdentity(bytes: Buffer): DriveIdentity | null {
  if (bytes.byteLength !== recordBytes || bytes.readUInt32LE(0) !== magic || bytes.readUInt16LE(4) !== version)
    return null;
  if (crc32(bytes.subarray(0, recordBytes - 4)) !== bytes.readUInt32LE(recordBytes - 4)) return null;
  const hasWitness = bytes.readUInt8(53) === 1;
  return {
    clusterId: idFromBytes("cluster", bytes.subarray(8, 24)),
    driveId: idFromBytes("drive", bytes.subarray(24, 40)),
    incarnation: readUint64(bytes, 40),
    formatVersion: bytes.readUInt32LE(48),
    deviceRelation: bytes.readUInt8(52) === 1 ? "own-device" : "parent-device",
    witness: hasWitness
      ? {
          term: readUint64(bytes, 56),
          sequence: readUint64(bytes, 64),
          checksum: Buffer.from(bytes.subarray(72, 72 + bytes.readUInt8(54))),
        }
      : null,
  };
}
