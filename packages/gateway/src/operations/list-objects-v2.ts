import { pageObjectsV2, parseListObjectsV2, renderListObjectsV2 } from "@kakera/s3";
import { xmlAnswer, type Answer } from "../answer.ts";
import type { OperationParts } from "../gateway-parts.ts";
import type { Call } from "./call.ts";
import { bucketOf } from "./steps/addressed.ts";
import { listedObject } from "./steps/listed-object.ts";
import { openBucket } from "./steps/open-bucket.ts";
import { createViewCursor } from "./steps/view-cursor.ts";

export async function listObjectsV2(call: Call, parts: OperationParts): Promise<Answer> {
  const parameters = parseListObjectsV2(call.request.query);
  await parts.log.barrier();
  const bucket = openBucket(parts.log.view, bucketOf(call));
  const page = pageObjectsV2(createViewCursor(parts.log.view, bucket.id, listedObject), parameters);
  return xmlAnswer(renderListObjectsV2(bucket.name, parameters, { page, owner: parts.settings.owner }));
}
