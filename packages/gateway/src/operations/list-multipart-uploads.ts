import { pageMultipartUploads, parseListMultipartUploads, renderListMultipartUploads } from "@kakera/s3";
import { xmlAnswer, type Answer } from "../answer.ts";
import type { OperationParts } from "../gateway-parts.ts";
import type { Call } from "./call.ts";
import { bucketOf } from "./steps/addressed.ts";
import { openBucket } from "./steps/open-bucket.ts";
import { createUploadCursor } from "./steps/upload-cursor.ts";

export async function listMultipartUploads(call: Call, parts: OperationParts): Promise<Answer> {
  const parameters = parseListMultipartUploads(call.request.query);
  await parts.log.barrier();
  const { view } = parts.log;
  const bucket = openBucket(view, bucketOf(call));
  const page = pageMultipartUploads(createUploadCursor(view, bucket.id), parameters);
  return xmlAnswer(renderListMultipartUploads(bucket.name, parameters, { page, owner: parts.settings.owner }));
}
