import { idFromBytes } from "@kakera/kernel";
import {
  records,
  type BucketRecord,
  type ObjectRecord,
  type ObjectRecordInput,
  type RepairRecordInput,
} from "@kakera/protocol";
import { keys } from "../key-space.ts";
import type { Change } from "../ports/commit-log.ts";
import type { Key } from "../ports/view.ts";
import { droppedBodies, garbagePuts, isNothing } from "./dropped-bodies.ts";
import { repairPut } from "./repair.ts";
import { compareSeen, newChangeId, stampOf, type Author, type Put, type Seen, type Stamp } from "./transition.ts";

/** An object record without what the transition fills in. */
export type ObjectContent = Omit<ObjectRecordInput, "ordinal" | "changeId" | "session">;

export interface ObjectWrite {
  readonly bucketName: string;
  readonly bucket: Seen<BucketRecord>;
  readonly objectKey: Uint8Array;
  /** The current object as the view holds it; null = there is none. */
  readonly replaced: Seen<ObjectRecord> | null;
  readonly content: ObjectContent;
  /** Rows for bodies of `content` that lack a shard or have one on a substitute. */
  readonly repairs: readonly RepairRecordInput[];
  /** Repair rows of `replaced` (`repairKeysOf`). */
  readonly replacedRepairs: readonly Key[];
}

/**
 * An object becomes current: PUT, Copy, a change of metadata. Compares the key (absent, or the revision seen, F4) and the
 * bucket's record, so that it and the bucket's removal never both succeed (F2). What the replaced record alone named
 * becomes garbage. The ordinal is the replaced record's plus one (F14).
 */
export function putObject(author: Author, write: ObjectWrite): Change {
  const id = newChangeId(author);
  const parts = currentObjectParts(author, write, stampOf(author, id));
  return { id, purpose: "write", ...parts };
}

/** What a change that makes an object current compares, puts and deletes for it. */
export function currentObjectParts(
  author: Author,
  write: ObjectWrite,
  stamp: Stamp,
): Pick<Change, "compares" | "puts" | "deletes"> {
  const key = keys.current(idFromBytes("bucket", write.bucket.record.bucketId), write.objectKey);
  const record = { ...write.content, ordinal: (write.replaced?.record.ordinal ?? 0) + 1, ...stamp };
  const dropped = droppedBodies(write.replaced?.record ?? null, record);
  const owner = { bucketId: write.bucket.record.bucketId, objectKey: write.objectKey };
  const repairPuts = write.repairs.map(repairPut);
  // A change of metadata keeps the bodies, and with them their repair rows.
  const isBodyKept = isNothing(dropped);
  return {
    compares: [compareSeen(keys.bucket(write.bucketName), write.bucket), compareSeen(key, write.replaced)],
    puts: [
      { key, value: records.ObjectRecord.encode(record).finish() },
      ...garbagePuts(author, owner, dropped),
      ...repairPuts,
    ],
    deletes: isBodyKept ? [] : without(write.replacedRepairs, repairPuts),
  };
}

/** Keys that no put writes: a change names each key once. */
function without(deletes: readonly Key[], puts: readonly Put[]): readonly Key[] {
  if (deletes.length === 0 || puts.length === 0) return deletes;
  return deletes.filter((key) => !puts.some((put) => Buffer.compare(put.key, key) === 0));
}
