import { pageObjectsV2, parseListObjectsV2, renderListObjectsV2 } from "@kakera/s3";
import { xmlAnswer, type Answer } from "../answer.ts";
import type { OperationParts } from "../gateway-parts.ts";
import type { Call } from "./call.ts";
import { bucketOf } from "./steps/addressed.ts";
import { objectCursor } from "./steps/object-cursor.ts";
import { openBucket } from "./steps/open-bucket.ts";

export async function listObjectsV2(call: Call, parts: OperationParts): Promise<Answer> {
  const parameters = parseListObjectsV2(call.request.query);
  await parts.log.barrier();
  const { view } = parts.log;
  const bucket = openBucket(view, bucketOf(call));
  const page = pageObjectsV2(objectCursor(view, bucket), parameters);
  return xmlAnswer(renderListObjectsV2(bucket.name, parameters, { page, owner: parts.settings.owner }));
}
