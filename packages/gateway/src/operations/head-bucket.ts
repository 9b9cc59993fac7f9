import { emptyAnswer, type Answer } from "../answer.ts";
import type { OperationParts } from "../gateway-parts.ts";
import type { Call } from "./call.ts";
import { bucketOf } from "./steps/addressed.ts";
import { openBucket } from "./steps/open-bucket.ts";
import { regionOf } from "./steps/region-of.ts";

export async function headBucket(call: Call, parts: OperationParts): Promise<Answer> {
  await parts.log.barrier();
  const bucket = openBucket(parts.log.view, bucketOf(call));
  return emptyAnswer(200, ["x-amz-bucket-region", regionOf(bucket, parts), "Content-Type", "application/xml"]);
}
