import { readBucket } from "@kakera/metadata";
import { authorize, operationActions, S3Error, type OperationName, type S3Action } from "@kakera/s3";
import type { OperationParts } from "../../gateway-parts.ts";
import type { Call } from "../call.ts";

/**
 * Whether the sender may do this. A stranger learns whether a bucket exists (as AWS lets him: NoSuchBucket or AccessDenied),
 * never whether a key does, and conditions are looked at only behind this. null: he may; else it rejects with AccessDenied or
 * NoSuchBucket.
 */
export function authorise(
  call: Omit<Call, "operation">,
  name: OperationName,
  parts: OperationParts,
): Promise<void> | null {
  const { bucket, key } = call.request;
  const verdict = authorize(call.principal, operationActions[name], { bucket, key: key?.text ?? null });
  return verdict === "allow" ? null : refuse(bucket, name, parts);
}

async function refuse(bucket: string | null, name: OperationName, parts: OperationParts): Promise<never> {
  if (bucket !== null && name !== "CreateBucket") {
    await parts.log.barrier();
    if (readBucket(parts.log.view, bucket) === null) throw new S3Error("NoSuchBucket", { BucketName: bucket });
  }
  throw new S3Error("AccessDenied", {});
}

/** Whether the sender may also do `action` there: a copy reads its source. */
export function may(call: Call, action: S3Action, resource: { bucket: string; key: string | null }): boolean {
  return authorize(call.principal, action, resource) === "allow";
}
