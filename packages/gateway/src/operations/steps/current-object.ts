import { readObject, type Seen, type View } from "@kakera/metadata";
import type { ObjectRecord } from "@kakera/protocol";
import { checkVersionId, missingKeyError, type ObjectKey } from "@kakera/s3";
import type { Call } from "../call.ts";
import { bucketOf, keyOf } from "./addressed.ts";
import { openBucket, type OpenBucket } from "./open-bucket.ts";

export interface CurrentObject {
  readonly bucket: OpenBucket;
  readonly key: ObjectKey;
  readonly seen: Seen<ObjectRecord>;
}

/** The object that a call names; call behind a barrier. Throws NoSuchBucket, NoSuchVersion, InvalidArgument, and as `findObject`. */
export function currentObject(call: Call, view: View): CurrentObject {
  return findObject(call, view, {
    bucket: bucketOf(call),
    key: keyOf(call),
    versionId: call.request.query.get("versionId"),
  });
}

/** As `currentObject`, of any address. Throws NoSuchKey (AccessDenied to those who may not list). */
export function findObject(
  call: Call,
  view: View,
  address: { readonly bucket: string; readonly key: ObjectKey; readonly versionId: string | null },
): CurrentObject {
  const { key } = address;
  const bucket = openBucket(view, address.bucket);
  checkVersionId(address.versionId, key.text);
  const seen = readObject(view, bucket.id, key.bytes);
  if (seen !== null) return { bucket, key, seen };
  throw missingKeyError(call.principal, bucket.name, key.text);
}
