import { idFromBytes, type BucketId } from "@kakera/kernel";
import { keys, readBucket, reopenBucket, type Seen, type View } from "@kakera/metadata";
import { records, type BucketRecord } from "@kakera/protocol";
import { S3Error } from "@kakera/s3";
import type { OperationParts } from "../../gateway-parts.ts";
import { authorOf } from "./author.ts";
import { MarkMet } from "./mark-met.ts";

/** A bucket as an operation found it. */
export interface OpenBucket {
  readonly name: string;
  readonly id: BucketId;
  readonly seen: Seen<BucketRecord>;
}

/** Call behind a barrier. A bucket that is being removed is still there for readers. Throws NoSuchBucket. */
export function openBucket(view: View, name: string): OpenBucket {
  const seen = readBucket(view, name);
  if (seen === null) throw new S3Error("NoSuchBucket", { BucketName: name });
  return { name, id: idFromBytes("bucket", seen.record.bucketId), seen };
}

/**
 * For the plan of a write: the same bucket as when the request began, not another of its name, and open. Throws NoSuchBucket, and
 * MarkMet while somebody is removing it.
 */
export function writableBucket(parts: OperationParts, begun: OpenBucket): OpenBucket {
  const bucket = openBucket(parts.log.view, begun.name);
  if (bucket.id !== begun.id) throw new S3Error("NoSuchBucket", { BucketName: begun.name });
  if (bucket.seen.record.state === records.BucketState.CLOSING) throw closingMark(bucket);
  return bucket;
}

/** The mark on a bucket that is being removed. */
export function closingMark(bucket: OpenBucket): MarkMet {
  return new MarkMet({
    key: keys.bucket(bucket.name),
    session: bucket.seen.record.closingSession,
    unmark: (parts) => {
      const seen = readBucket(parts.log.view, bucket.name);
      if (seen === null || seen.record.state === records.BucketState.OPEN) return null;
      return { change: reopenBucket(authorOf(parts), bucket.name, seen), session: seen.record.closingSession };
    },
  });
}
