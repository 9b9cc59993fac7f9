import { assert } from "@kakera/kernel";
import type { ObjectKey } from "@kakera/s3";
import type { Call } from "../call.ts";

/** The bucket that an operation on a bucket or object was detected for. */
export function bucketOf(call: Call): string {
  assert(call.request.bucket !== null, "this operation is detected only with a bucket");
  return call.request.bucket;
}

/** The key that an operation on an object was detected for. */
export function keyOf(call: Call): ObjectKey {
  assert(call.request.key !== null, "this operation is detected only with a key");
  return call.request.key;
}
