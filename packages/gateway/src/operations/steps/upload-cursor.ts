import { idFromBytes, type BucketId, type UploadId } from "@kakera/kernel";
import { partsOfUploadKey, ranges, type RangeEntry, type View } from "@kakera/metadata";
import { records } from "@kakera/protocol";
import type { ListingCursor, OpenUpload } from "@kakera/s3";
import { uploadChecksumOf } from "./digest-record.ts";

/** What names an upload. */
export interface UploadPlace {
  readonly bucketId: BucketId;
  readonly objectKey: Buffer;
  readonly uploadId: UploadId;
}

/** The first open uploads of a bucket, at most `limit`. */
export function uploadsIn(view: View, bucketId: BucketId, limit: number): UploadPlace[] {
  const { from, to } = ranges.uploads(bucketId);
  return view.range(from, to, limit).map((entry) => placeOf(entry, bucketId));
}

function placeOf(entry: RangeEntry, bucketId: BucketId): UploadPlace {
  const { objectKey, uploadIdBytes } = partsOfUploadKey(entry.key);
  return { bucketId, objectKey, uploadId: idFromBytes("upload", uploadIdBytes) };
}

/** Far above what any client keeps open on one key; beyond it a listing shows the first by id. */
const uploadsPerKeyMax = 100_000;

/** The keys of a bucket that have open uploads, in byte order, each with all of them. */
export function createUploadCursor(view: View, bucketId: BucketId): ListingCursor<readonly OpenUpload[]> {
  let present: Buffer | null = null;
  const first = (from: Uint8Array): Buffer | null => {
    const [entry] = view.range(from, ranges.uploads(bucketId).to, 1);
    present = entry === undefined ? null : partsOfUploadKey(entry.key).objectKey;
    return present;
  };
  return {
    seek: (key) => first(ranges.uploadsOf(bucketId, key).from),
    next: () => (present === null ? null : first(ranges.uploadsOf(bucketId, present).to)),
    read() {
      if (present === null) return [];
      const { from, to } = ranges.uploadsOf(bucketId, present);
      return view.range(from, to, uploadsPerKeyMax).map((entry) => {
        const record = records.UploadRecord.decode(entry.value);
        return {
          uploadId: placeOf(entry, bucketId).uploadId,
          startedMs: record.startedMs,
          checksum: uploadChecksumOf(record),
        };
      });
    },
  };
}
