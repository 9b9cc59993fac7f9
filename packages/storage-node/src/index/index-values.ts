import { readUint64, writeUint64 } from "../record/numbers.ts";
import { recordBytesOf, type RecordEntry } from "../record/record-entry.ts";

/** Where a live record is. */
export type Place = SegmentPlace | OwnFilePlace;

export interface SegmentPlace {
  readonly kind: "segment";
  readonly segmentId: number;
  readonly offset: number;
  readonly sequence: number;
  readonly headBytes: number;
  readonly payloadBytes: number;
  readonly chunkSizeBytes: number;
  readonly shardCount: number;
}

/** The file's own head says the rest. */
interface OwnFilePlace {
  readonly kind: "own-file";
  readonly sequence: number;
}

/** A segment's id, or minus the sequence number of a file of its own. */
export function containerOf(place: Place): number {
  return place.kind === "segment" ? place.segmentId : -place.sequence;
}

export function segmentPlace(segmentId: number, entry: RecordEntry): SegmentPlace {
  const { offset, sequence, headBytes, payloadBytes, chunkSizeBytes, shardCount } = entry;
  return { kind: "segment", segmentId, offset, sequence, headBytes, payloadBytes, chunkSizeBytes, shardCount };
}

/** Bytes that the record takes in its segment. */
export function placeBytes(place: SegmentPlace): number {
  return recordBytesOf({ ...place, kind: "shard" });
}

const segmentPlaceBytes = 36;
const ownFilePlaceBytes = 9;

export function encodePlace(place: Place): Buffer {
  if (place.kind === "own-file") {
    const bytes = Buffer.allocUnsafe(ownFilePlaceBytes);
    bytes.writeUInt8(2, 0);
    writeUint64(bytes, place.sequence, 1);
    return bytes;
  }
  const bytes = Buffer.allocUnsafe(segmentPlaceBytes);
  bytes.writeUInt8(1, 0);
  bytes.writeUInt8(place.shardCount, 1);
  bytes.writeUInt16LE(place.headBytes, 2);
  bytes.writeUInt32LE(place.offset, 4);
  bytes.writeUInt32LE(place.payloadBytes, 8);
  writeUint64(bytes, place.sequence, 12);
  writeUint64(bytes, place.segmentId, 20);
  writeUint64(bytes, place.chunkSizeBytes, 28);
  return bytes;
}

export function decodePlace(bytes: Buffer): Place {
  if (bytes.readUInt8(0) === 2) return { kind: "own-file", sequence: readUint64(bytes, 1) };
  return {
    kind: "segment",
    shardCount: bytes.readUInt8(1),
    headBytes: bytes.readUInt16LE(2),
    offset: bytes.readUInt32LE(4),
    payloadBytes: bytes.readUInt32LE(8),
    sequence: readUint64(bytes, 12),
    segmentId: readUint64(bytes, 20),
    chunkSizeBytes: readUint64(bytes, 28),
  };
}

/** Where a tombstone or a seal is. `mark`: what the tombstone kills up to; the epoch of the seal. */
export interface Mark {
  readonly mark: number;
  readonly sequence: number;
  readonly segmentId: number;
  readonly offset: number;
  readonly recordBytes: number;
}

export function encodeMark(mark: Mark): Buffer {
  const bytes = Buffer.allocUnsafe(32);
  writeUint64(bytes, mark.mark, 0);
  writeUint64(bytes, mark.sequence, 8);
  writeUint64(bytes, mark.segmentId, 16);
  bytes.writeUInt32LE(mark.offset, 24);
  bytes.writeUInt32LE(mark.recordBytes, 28);
  return bytes;
}

export function decodeMark(bytes: Buffer): Mark {
  return {
    mark: readUint64(bytes, 0),
    sequence: readUint64(bytes, 8),
    segmentId: readUint64(bytes, 16),
    offset: bytes.readUInt32LE(24),
    recordBytes: bytes.readUInt32LE(28),
  };
}

/** What the index keeps of the whole drive. */
export interface IndexState {
  readonly nextSequence: number;
  readonly shardCount: number;
  /** false: a rebuild has not come to its end. */
  readonly isComplete: boolean;
}

export function encodeState(state: IndexState): Buffer {
  const bytes = Buffer.alloc(24);
  writeUint64(bytes, state.nextSequence, 0);
  writeUint64(bytes, state.shardCount, 8);
  bytes.writeUInt8(state.isComplete ? 1 : 0, 16);
  return bytes;
}

export function decodeState(bytes: Buffer): IndexState {
  return {
    nextSequence: readUint64(bytes, 0),
    shardCount: readUint64(bytes, 8),
    isComplete: bytes.readUInt8(16) === 1,
  };
}

/** What the index keeps of a segment. */
export interface SegmentUse {
  /** Bytes of records that must not be lost. */
  readonly liveBytes: number;
  /** Of its file, once it is sealed: all of it is indexed then. 0: it is not known to be sealed. */
  readonly sizeBytes: number;
  /** Bytes of all its records, live and dead, once it is sealed. */
  readonly recordBytes: number;
}

export function encodeUse(use: SegmentUse): Buffer {
  const bytes = Buffer.allocUnsafe(24);
  writeUint64(bytes, use.liveBytes, 0);
  writeUint64(bytes, use.sizeBytes, 8);
  writeUint64(bytes, use.recordBytes, 16);
  return bytes;
}

export function decodeUse(bytes: Buffer): SegmentUse {
  return { liveBytes: readUint64(bytes, 0), sizeBytes: readUint64(bytes, 8), recordBytes: readUint64(bytes, 16) };
}
