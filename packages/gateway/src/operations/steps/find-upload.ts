import { assert, parseId } from "@kakera/kernel";
import { keys, readUpload, unmarkUpload, type UploadSeen, type View } from "@kakera/metadata";
import { records } from "@kakera/protocol";
import { S3Error } from "@kakera/s3";
import type { OperationParts } from "../../gateway-parts.ts";
import type { Call } from "../call.ts";
import { bucketOf, keyOf } from "./addressed.ts";
import { authorOf } from "./author.ts";
import { MarkMet } from "./mark-met.ts";
import { openBucket, type OpenBucket } from "./open-bucket.ts";
import type { UploadPlace } from "./upload-cursor.ts";

/** The bucket, key and upload id that a call names; the upload itself may not exist. Throws NoSuchBucket, NoSuchUpload. */
export function namedUpload(call: Call, view: View): { readonly bucket: OpenBucket; readonly place: UploadPlace } {
  const bucket = openBucket(view, bucketOf(call));
  const text = call.request.query.get("uploadId");
  assert(text !== null, "this operation is detected only with an uploadId");
  const uploadId = parseId("upload", text);
  if (uploadId === null) throw noSuchUpload(text);
  return { bucket, place: { bucketId: bucket.id, objectKey: keyOf(call).bytes, uploadId } };
}

/** null: there is none of that id for that key, or no longer. */
export function seeUpload(view: View, place: UploadPlace): UploadSeen | null {
  const upload = readUpload(view, place);
  return upload === null ? null : { ...place, upload };
}

/** Throws NoSuchUpload. */
export function findUpload(view: View, place: UploadPlace): UploadSeen {
  const seen = seeUpload(view, place);
  if (seen === null) throw noSuchUpload(place.uploadId);
  return seen;
}

/** For the plan of a change: an upload that takes parts. Throws NoSuchUpload, and MarkMet while it is being completed or aborted. */
export function receivingUpload(parts: OperationParts, place: UploadPlace): UploadSeen {
  const seen = findUpload(parts.log.view, place);
  if (isMarked(seen)) throw uploadMark(seen);
  return seen;
}

export function isMarked(seen: UploadSeen): boolean {
  return seen.upload.record.state === records.UploadState.COMPLETING;
}

/** The mark on an upload that is being completed or aborted. */
export function uploadMark(marked: UploadSeen): MarkMet {
  return new MarkMet({
    key: keys.upload(marked.bucketId, marked.objectKey, marked.uploadId),
    session: marked.upload.record.completingSession,
    unmark: (parts) => {
      const seen = seeUpload(parts.log.view, { ...marked, objectKey: Buffer.from(marked.objectKey) });
      if (seen === null || !isMarked(seen)) return null;
      return { change: unmarkUpload(authorOf(parts), seen), session: seen.upload.record.completingSession };
    },
  });
}

export function noSuchUpload(uploadId: string): S3Error {
  return new S3Error("NoSuchUpload", { UploadId: uploadId });
}
