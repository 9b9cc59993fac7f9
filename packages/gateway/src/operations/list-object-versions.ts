import { pageObjectVersions, parseListObjectVersions, renderListObjectVersions } from "@kakera/s3";
import { xmlAnswer, type Answer } from "../answer.ts";
import type { OperationParts } from "../gateway-parts.ts";
import type { Call } from "./call.ts";
import { bucketOf } from "./steps/addressed.ts";
import { objectCursor } from "./steps/object-cursor.ts";
import { openBucket } from "./steps/open-bucket.ts";

export async function listObjectVersions(call: Call, parts: OperationParts): Promise<Answer> {
  const parameters = parseListObjectVersions(call.request.query);
  await parts.log.barrier();
  const { view } = parts.log;
  const bucket = openBucket(view, bucketOf(call));
  const page = pageObjectVersions(objectCursor(view, bucket), parameters);
  return xmlAnswer(renderListObjectVersions(bucket.name, parameters, { page, owner: parts.settings.owner }));
}
