import { idFromBytes, type BucketId } from "@kakera/kernel";
import { readBucket, type Seen, type View } from "@kakera/metadata";
import type { BucketRecord } from "@kakera/protocol";
import { S3Error } from "@kakera/s3";

/** A bucket as an operation found it. */
export interface OpenBucket {
  readonly name: string;
  readonly id: BucketId;
  readonly seen: Seen<BucketRecord>;
}

/** Call behind a barrier. Throws NoSuchBucket. A bucket that is being removed is still there: only what writes cares. */
export function openBucket(view: View, name: string): OpenBucket {
  const seen = readBucket(view, name);
  if (seen === null) throw new S3Error("NoSuchBucket", { BucketName: name });
  return { name, id: idFromBytes("bucket", seen.record.bucketId), seen };
}

/** The same bucket as before, not another of its name: what was begun in it ends in it. Throws NoSuchBucket. */
export function sameBucket(view: View, bucket: OpenBucket): OpenBucket {
  const again = openBucket(view, bucket.name);
  if (again.id !== bucket.id) throw new S3Error("NoSuchBucket", { BucketName: bucket.name });
  return again;
}
