import { assert } from "@kakera/kernel";
import { renderUnsetBucketConfiguration, renderUnsetObjectConfiguration } from "@kakera/s3";
import { emptyAnswer, xmlAnswer, type Answer } from "../answer.ts";
import type { OperationParts } from "../gateway-parts.ts";
import type { Call } from "./call.ts";
import { bucketOf } from "./steps/addressed.ts";
import { currentObject } from "./steps/current-object.ts";
import { openBucket } from "./steps/open-bucket.ts";

/** What nobody can configure here is "not configured", as AWS says it: Terraform, s3cmd and mc ask for all of it. */
export async function getUnsetConfiguration(call: Call, parts: OperationParts): Promise<Answer> {
  const { operation, request } = call;
  assert(operation.name === "GetUnsetConfiguration", "this operation answers only what it is named for");
  const question = { bucket: bucketOf(call), owner: parts.settings.owner, id: request.query.get("id") };
  await parts.log.barrier();
  if (operation.level === "bucket") {
    openBucket(parts.log.view, question.bucket);
    return xmlAnswer(renderUnsetBucketConfiguration(operation.configuration, question));
  }
  currentObject(call, parts.log.view);
  return xmlAnswer(renderUnsetObjectConfiguration(operation.configuration, question));
}

/** There is nothing to delete, so it is deleted. */
export async function deleteUnsetConfiguration(call: Call, parts: OperationParts): Promise<Answer> {
  await parts.log.barrier();
  openBucket(parts.log.view, bucketOf(call));
  return emptyAnswer(204);
}
