import { ranges, type View } from "@kakera/metadata";
import { records } from "@kakera/protocol";
import type { ListedObject, ListingCursor } from "@kakera/s3";
import { checksumOf } from "./digest-record.ts";
import { etagOf } from "./etag-of.ts";
import type { OpenBucket } from "./open-bucket.ts";
import { createViewCursor } from "./view-cursor.ts";

/** The objects of a bucket, as listings show them. */
export function objectCursor(view: View, bucket: OpenBucket): ListingCursor<ListedObject> {
  return createViewCursor(view, ranges.current(bucket.id), listedObject);
}

/** Copies what it takes: `value` is a buffer that is used again. */
function listedObject(value: Buffer): ListedObject {
  const record = records.ObjectRecord.decode(value);
  const { sizeBytes, modifiedMs } = record;
  return {
    etag: etagOf(record),
    sizeBytes,
    lastModifiedMs: modifiedMs,
    checksum: checksumOf(record.checksum, record.partCount),
  };
}
