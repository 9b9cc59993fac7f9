import { emptyAnswer, type Answer } from "../answer.ts";
import type { OperationParts } from "../gateway-parts.ts";
import type { Call } from "./call.ts";
import { abortUploadById } from "./steps/abort-upload-by-id.ts";
import { namedUpload } from "./steps/find-upload.ts";

/** Never touches a completed object: its upload is gone, so there is nothing of that id to abort. */
export async function abortMultipartUpload(call: Call, parts: OperationParts): Promise<Answer> {
  await parts.log.barrier();
  const { place } = namedUpload(call, parts.log.view);
  await abortUploadById(parts, place);
  return emptyAnswer(204);
}
