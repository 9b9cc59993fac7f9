import { assert } from "@kakera/kernel";

/**
 * What a process tells the others of its position. Its value: one byte of format (1), 8 bytes the view's revision, 8 bytes the held one, big
 * endian.
 */
export interface PositionReport {
  /** Its view needs what etcd has from here on. 0 = it cannot say yet. */
  readonly viewRevision: number;
  /** Something else of it does; null = nothing. */
  readonly heldRevision: number | null;
}

const format = 1;
const sizeBytes = 17;
/** Stands for null: no revision is 0. */
const nothingHeld = 0n;

export function encodeReport(report: PositionReport): Buffer {
  const bytes = Buffer.alloc(sizeBytes);
  bytes[0] = format;
  bytes.writeBigUInt64BE(BigInt(report.viewRevision), 1);
  bytes.writeBigUInt64BE(report.heldRevision === null ? nothingHeld : BigInt(report.heldRevision), 9);
  return bytes;
}

/** Throws AssertionFailure when it is none of ours. */
export function decodeReport(bytes: Buffer): PositionReport {
  assert(bytes.byteLength === sizeBytes && bytes[0] === format, "a report's key holds something that is no report");
  const held = bytes.readBigUInt64BE(9);
  return {
    viewRevision: Number(bytes.readBigUInt64BE(1)),
    heldRevision: held === nothingHeld ? null : Number(held),
  };
}

/** From where on etcd's history is needed; null = that cannot be said. */
export function neededBy({ viewRevision, heldRevision }: PositionReport): number | null {
  if (viewRevision === 0) return null;
  return heldRevision === null ? viewRevision : Math.min(viewRevision, heldRevision);
}
