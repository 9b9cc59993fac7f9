import { renderBucketLocation } from "@kakera/s3";
import { xmlAnswer, type Answer } from "../answer.ts";
import type { OperationParts } from "../gateway-parts.ts";
import type { Call } from "./call.ts";
import { bucketOf } from "./steps/addressed.ts";
import { openBucket } from "./steps/open-bucket.ts";
import { regionOf } from "./steps/region-of.ts";

export async function getBucketLocation(call: Call, parts: OperationParts): Promise<Answer> {
  await parts.log.barrier();
  const bucket = openBucket(parts.log.view, bucketOf(call));
  return xmlAnswer(renderBucketLocation(regionOf(bucket, parts)));
}
