import { keys, partsDigest } from "@kakera/metadata";
import {
  completeBytesMax,
  latin1AsUtf8,
  parseCompleteMultipartUpload,
  parseCompletionChecksum,
  parseObjectSizeHeader,
  parseWriteCondition,
  renderCompleteMultipartUpload,
  type S3Request,
} from "@kakera/s3";
import { xmlAnswer, type Answer } from "../answer.ts";
import type { OperationParts } from "../gateway-parts.ts";
import type { Call } from "./call.ts";
import { keyOf } from "./steps/addressed.ts";
import { hasCertainlyNotHappened } from "./steps/commit-or-discard.ts";
import { commitPlanned, inTurn } from "./steps/decide.ts";
import { namedUpload } from "./steps/find-upload.ts";
import { markUpload, unmarkUploadAgain } from "./steps/mark-upload.ts";
import { earlierAnswer, planCompleted, planParts, type Asked } from "./steps/plan-completed-object.ts";
import { readDocument } from "./steps/read-document.ts";

/**
 * The parts that the client lists become the object. In two steps, as its parts may be too many for one change to compare: they are
 * frozen by a mark, then read, and then one change makes the object. Asked again, the answer is the same and nothing is done.
 */
export async function completeMultipartUpload(call: Call, parts: OperationParts): Promise<Answer> {
  const { headers } = call.request;
  const condition = parseWriteCondition(headers);
  const expected = { checksum: parseCompletionChecksum(headers), sizeBytes: parseObjectSizeHeader(headers) };
  const listed = parseCompleteMultipartUpload(await readDocument(call, completeBytesMax, "of-object"));
  const digest = partsDigest(listed.map((part) => ({ number: part.partNumber, etag: part.etag })));
  await parts.log.barrier();
  const { bucket, place } = namedUpload(call, parts.log.view);
  const asked: Asked = { bucket, place, key: keyOf(call), condition, expected, listed, partsDigest: digest };
  const queued = [keys.upload(bucket.id, place.objectKey, place.uploadId), keys.current(bucket.id, place.objectKey)];
  const completed = await inTurn(parts, queued, async (deadlineMs) => {
    const earlier = earlierAnswer(parts, asked);
    if (earlier !== null) return earlier;
    // What is wrong with the list is told before anything is changed.
    planParts(parts, asked);
    await markUpload(parts, place, deadlineMs);
    try {
      await parts.log.barrier();
      return await commitPlanned(parts, deadlineMs, () => planCompleted(parts, asked));
    } catch (failure) {
      if (hasCertainlyNotHappened(failure)) await unmarkUploadAgain(parts, place, deadlineMs);
      throw failure;
    }
  });
  parts.failpoints.hit("complete.after-commit");
  const location = locationOf(call.request);
  return xmlAnswer(renderCompleteMultipartUpload({ bucket: bucket.name, key: asked.key.text, location, ...completed }));
}

/** Where the client can read the object: at the address that it used. */
function locationOf(request: S3Request): string {
  const scheme = request.isTls ? "https" : "http";
  return `${scheme}://${latin1AsUtf8(request.wireHeaders.first("host") ?? "localhost")}${latin1AsUtf8(request.rawPath)}`;
}
