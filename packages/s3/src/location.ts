import type { S3Request } from "./addressing/parse-request.ts";
import { encodePercentPath, latin1AsUtf8 } from "./addressing/percent.ts";

/** Where the object of a request can be read, by the address that the client used: Location of CompleteMultipartUpload. */
export function objectLocation(request: S3Request): string {
  const path =
    request.style === "path" ? `/${request.bucket}/${request.key?.text ?? ""}` : `/${request.key?.text ?? ""}`;
  return `${request.isTls ? "https" : "http"}://${latin1AsUtf8(request.host)}${encodePercentPath(path)}`;
}
