import { S3Error } from "../errors/s3-error.ts";

/** An open upload, as far as its place in a listing goes: uploads of one key are ordered by start, then by id. */
export interface UploadPosition {
  readonly uploadId: string;
  readonly startedMs: number;
}

export function compareUploads(a: UploadPosition, b: UploadPosition): number {
  if (a.startedMs !== b.startedMs) return a.startedMs - b.startedMs;
  return a.uploadId < b.uploadId ? -1 : a.uploadId > b.uploadId ? 1 : 0;
}

/**
 * NextUploadIdMarker: the upload's id and start. With the start in it a listing goes on at the right place although the
 * upload was aborted meanwhile, as a client that empties a bucket page by page does.
 */
export function encodeUploadMarker(upload: UploadPosition): string {
  return `${upload.uploadId}.${upload.startedMs.toString(36)}`;
}

/**
 * The place that an upload-id-marker names: one that we gave out, or the id of an upload in `uploads` (those of the marker's key).
 * Throws InvalidArgument on any other.
 */
export function findUploadMarker(marker: string, uploads: readonly UploadPosition[]): UploadPosition {
  const own = /^([0-9a-zA-Z_-]+)\.([0-9a-z]{1,10})$/.exec(marker);
  if (own !== null) return { uploadId: own[1]!, startedMs: Number.parseInt(own[2]!, 36) };
  const found = uploads.find((upload) => upload.uploadId === marker);
  if (found !== undefined) return found;
  throw new S3Error(
    "InvalidArgument",
    { ArgumentName: "upload-id-marker", ArgumentValue: marker },
    "Invalid uploadId marker",
  );
}
