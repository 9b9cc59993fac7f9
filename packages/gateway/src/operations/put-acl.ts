import { KIB } from "@kakera/kernel";
import { checkAccessControlPolicy } from "@kakera/s3";
import { emptyAnswer, type Answer } from "../answer.ts";
import type { OperationParts } from "../gateway-parts.ts";
import type { Call } from "./call.ts";
import { bucketOf } from "./steps/addressed.ts";
import { currentObject } from "./steps/current-object.ts";
import { openBucket } from "./steps/open-bucket.ts";
import { readDocument } from "./steps/read-document.ts";

const policyBytesMax = 64 * KIB;

/**
 * An access control list that says what is so anyway is accepted and changes nothing; any other is refused: by its headers before
 * an operation begins, by its document here.
 */
export async function putAcl(call: Call, parts: OperationParts): Promise<Answer> {
  const { headers, key } = call.request;
  const document = headers.has("x-amz-acl") ? null : await readDocument(call, policyBytesMax);
  await parts.log.barrier();
  if (key === null) openBucket(parts.log.view, bucketOf(call));
  else currentObject(call, parts.log.view);
  if (document !== null) checkAccessControlPolicy(document, parts.settings.owner.id);
  return emptyAnswer(200);
}
