import { checkCopySourceConditions, parseCopySource, S3Error, type CopySource } from "@kakera/s3";
import type { OperationParts } from "../../gateway-parts.ts";
import type { Call } from "../call.ts";
import { may } from "./authorise.ts";
import { findObject, type CurrentObject } from "./current-object.ts";
import { etagOf } from "./etag-of.ts";

/** Reads x-amz-copy-source, and asks whether the sender may read there. Throws InvalidArgument, AccessDenied. */
export function namedCopySource(call: Call): CopySource {
  const source = parseCopySource(call.request.headers.first("x-amz-copy-source") ?? "");
  if (!may(call, "s3:GetObject", { bucket: source.bucket, key: source.key.text }))
    throw new S3Error("AccessDenied", {});
  return source;
}

/** The object to copy, its conditions checked; call behind a barrier. Throws NoSuchBucket, NoSuchKey, NoSuchVersion, PreconditionFailed. */
export function findCopySource(call: Call, parts: OperationParts, source: CopySource): CurrentObject {
  const found = findObject(call, parts.log.view, source);
  const { record } = found.seen;
  checkCopySourceConditions(
    call.request.headers,
    { etag: etagOf(record), lastModifiedMs: record.modifiedMs },
    call.nowMs,
  );
  return found;
}
