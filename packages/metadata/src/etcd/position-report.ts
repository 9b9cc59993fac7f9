import { assert } from "@kakera/kernel";

/**
 * What a process tells the others of its position. Its value: one byte of format (2), then 8 bytes each, big endian: the view's revision, the
 * held one, those of reads and writes, the floor of writes.
 */
export interface PositionReport extends ReportedMarks {
  /** Its view needs what etcd has from here on. 0 = it cannot say yet. */
  readonly viewRevision: number;
  /** Something else of it does; null = nothing. */
  readonly heldRevision: number | null;
}

/** What may still be under way in a process (correctness.md F7, F27 R6 and R8). None of them ever falls. */
export interface ReportedMarks {
  /** Every read of bodies that is under way, or comes, began when the view had this revision or a later one. 0 = not known. */
  readonly readsFrom: number;
  /** The same of writes that are not decided. */
  readonly writesFrom: number;
  /** Every write of the session with a lower number is decided. */
  readonly writeFloor: number;
}

const format = 2;
const sizeBytes = 41;
/** Stands for null: no revision is 0. */
const nothingHeld = 0;

export function encodeReport(report: PositionReport): Buffer {
  const bytes = Buffer.alloc(sizeBytes);
  bytes[0] = format;
  const { viewRevision, heldRevision, readsFrom, writesFrom, writeFloor } = report;
  const numbers = [viewRevision, heldRevision ?? nothingHeld, readsFrom, writesFrom, writeFloor];
  for (const [index, value] of numbers.entries()) bytes.writeBigUInt64BE(BigInt(value), 1 + 8 * index);
  return bytes;
}

/** Throws AssertionFailure when it is none of ours. */
export function decodeReport(bytes: Buffer): PositionReport {
  assert(bytes.byteLength === sizeBytes && bytes[0] === format, "a report's key holds something that is no report");
  const numberAt = (index: number): number => Number(bytes.readBigUInt64BE(1 + 8 * index));
  const held = numberAt(1);
  return {
    viewRevision: numberAt(0),
    heldRevision: held === nothingHeld ? null : held,
    readsFrom: numberAt(2),
    writesFrom: numberAt(3),
    writeFloor: numberAt(4),
  };
}

/** From where on etcd's history is needed; null = that cannot be said. */
export function neededBy({ viewRevision, heldRevision }: PositionReport): number | null {
  if (viewRevision === 0) return null;
  return heldRevision === null ? viewRevision : Math.min(viewRevision, heldRevision);
}
