import { assert, idBytes, idFromBytes } from "@kakera/kernel";
import { records, type BucketRecord } from "@kakera/protocol";
import { keys, ranges } from "../key-space.ts";
import type { Change } from "../ports/commit-log.ts";
import { compareSeen, newChangeId, type Author, type Seen } from "./transition.ts";

const { OPEN, CLOSING } = records.BucketState;

/**
 * A bucket is removed in steps. `closeBucket` marks it: from then on nothing new can be committed into it, as PUT, Create
 * and Complete compare its record. Then its objects are looked for: if there are any, `reopenBucket` and BucketNotEmpty.
 * Open uploads do not hinder: each is aborted (`markUpload`, `abortUpload`). Then `removeBucket`. A mark of a session that
 * is gone is removed by whoever meets it, with `reopenBucket`.
 */
export function closeBucket(author: Author, name: string, bucket: Seen<BucketRecord>): Change {
  assert(bucket.record.state === OPEN, "only an open bucket is closed");
  return rewrite(author, name, bucket, { state: CLOSING, closingSession: idBytes(author.session) });
}

export function reopenBucket(author: Author, name: string, bucket: Seen<BucketRecord>): Change {
  return rewrite(author, name, bucket, { state: OPEN, closingSession: Buffer.alloc(0) });
}

/** Refused unless the bucket is as it was seen (closed), and holds neither object, version nor upload. */
export function removeBucket(author: Author, name: string, bucket: Seen<BucketRecord>): Change {
  assert(bucket.record.state === CLOSING, "a bucket is closed before it is removed");
  const bucketId = idFromBytes("bucket", bucket.record.bucketId);
  const key = keys.bucket(name);
  return {
    id: newChangeId(author),
    purpose: "free",
    compares: [compareSeen(key, bucket)],
    emptyRanges: [ranges.current(bucketId), ranges.versions(bucketId), ranges.uploads(bucketId)],
    puts: [],
    deletes: [key],
  };
}

function rewrite(author: Author, name: string, bucket: Seen<BucketRecord>, changed: Partial<BucketRecord>): Change {
  const key = keys.bucket(name);
  const value = records.BucketRecord.encode(Object.assign({}, bucket.record, changed)).finish();
  return {
    id: newChangeId(author),
    purpose: "free",
    compares: [compareSeen(key, bucket)],
    puts: [{ key, value }],
    deletes: [],
  };
}
