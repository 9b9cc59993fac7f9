import type { HeaderIndex } from "../addressing/header-index.ts";
import { S3Error } from "../errors/s3-error.ts";

/** x-amz-mp-object-size of CompleteMultipartUpload; null when it is not given. Throws InvalidRequest. */
export function parseObjectSizeHeader(headers: HeaderIndex): number | null {
  const text = headers.first("x-amz-mp-object-size");
  if (text === null) return null;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new S3Error("InvalidRequest", {}, "Value for x-amz-mp-object-size header is invalid.");
}
