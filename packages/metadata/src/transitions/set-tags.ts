import type { BucketId } from "@kakera/kernel";
import { records, type BucketRecord, type BucketRecordInput, type ObjectRecord } from "@kakera/protocol";
import { keys } from "../key-space.ts";
import type { Change } from "../ports/commit-log.ts";
import { compareSeen, newChangeId, stampOf, type Author, type Seen } from "./transition.ts";

export type Tags = NonNullable<BucketRecordInput["tags"]>;

/** Replaces an object's tags (none = removes them). It stays the same version: ordinal and Last-Modified are kept. */
export function setTags(
  author: Author,
  place: { readonly bucketId: BucketId; readonly objectKey: Uint8Array },
  object: Seen<ObjectRecord>,
  tags: Tags,
): Change {
  const id = newChangeId(author);
  const key = keys.current(place.bucketId, place.objectKey);
  const value = records.ObjectRecord.encode(Object.assign({}, object.record, { tags }, stampOf(author, id))).finish();
  return {
    id,
    purpose: tags.length === 0 ? "free" : "write",
    compares: [compareSeen(key, object)],
    puts: [{ key, value }],
    deletes: [],
  };
}

export function setBucketTags(author: Author, name: string, bucket: Seen<BucketRecord>, tags: Tags): Change {
  const key = keys.bucket(name);
  const value = records.BucketRecord.encode(Object.assign({}, bucket.record, { tags })).finish();
  return {
    id: newChangeId(author),
    purpose: tags.length === 0 ? "free" : "write",
    compares: [compareSeen(key, bucket)],
    puts: [{ key, value }],
    deletes: [],
  };
}
