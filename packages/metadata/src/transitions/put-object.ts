import { idFromBytes, type DataId } from "@kakera/kernel";
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
import { droppedBodies, garbagePuts } from "./dropped-bodies.ts";
import { repairIdOf } from "./read-records.ts";
import { compareSeen, newChangeId, stampOf, type Author, type Put, type Seen } from "./transition.ts";

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
  const bucketId = idFromBytes("bucket", write.bucket.record.bucketId);
  const key = keys.current(bucketId, write.objectKey);
  const bucketKey = keys.bucket(write.bucketName);
  const record = { ...write.content, ordinal: (write.replaced?.record.ordinal ?? 0) + 1, ...stampOf(author, id) };
  const owner = { bucketId: write.bucket.record.bucketId, objectKey: write.objectKey };
  const repairPuts = write.repairs.map(repairPut);
  const kept = new Set(repairPuts.map((put) => Buffer.from(put.key).toString("hex")));
  return {
    id,
    purpose: "write",
    compares: [compareSeen(bucketKey, write.bucket), compareSeen(key, write.replaced)],
    puts: [
      { key, value: records.ObjectRecord.encode(record).finish() },
      ...garbagePuts(author, owner, droppedBodies(write.replaced?.record ?? null, record)),
      ...repairPuts,
    ],
    deletes: repairsToDrop(write).filter((repair) => !kept.has(Buffer.from(repair).toString("hex"))),
  };
}

export function repairPut(repair: RepairRecordInput): Put {
  const dataId: DataId = idFromBytes("data", repair.dataId as Uint8Array);
  return { key: keys.repair(repairIdOf(dataId)), value: records.RepairRecord.encode(repair).finish() };
}

/** A change of metadata keeps the bodies, and with them their repair rows. */
function repairsToDrop(write: ObjectWrite): readonly Key[] {
  if (write.replaced === null) return [];
  const dropped = droppedBodies(write.replaced.record, write.content);
  return dropped.layout === null && dropped.bodies.length === 0 ? [] : write.replacedRepairs;
}
