import { readObject, type Seen, type View } from "@kakera/metadata";
import type { ObjectRecord } from "@kakera/protocol";
import { S3Error, type ObjectKey } from "@kakera/s3";
import type { Call } from "../call.ts";
import { may } from "./authorise.ts";
import { openBucket, type OpenBucket } from "./open-bucket.ts";
import { bucketOf, keyOf } from "./addressed.ts";

export interface CurrentObject {
  readonly bucket: OpenBucket;
  readonly key: ObjectKey;
  readonly seen: Seen<ObjectRecord>;
}

/** The object that a call names, behind a barrier. Throws NoSuchBucket, NoSuchKey (AccessDenied to those who may not list). */
export function currentObject(call: Call, view: View): CurrentObject {
  const bucket = openBucket(view, bucketOf(call));
  const key = keyOf(call);
  const seen = readObject(view, bucket.id, key.bytes);
  if (seen !== null) return { bucket, key, seen };
  if (!may(call, "s3:ListBucket", { bucket: bucket.name, key: null })) throw new S3Error("AccessDenied", {});
  throw new S3Error("NoSuchKey", { Key: key.text });
}
