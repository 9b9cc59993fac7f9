import { checkPartAlgorithm, checksumHeaders, parsePartNumber, quoteEtag } from "@kakera/s3";
import { emptyAnswer, type Answer } from "../answer.ts";
import type { OperationParts } from "../gateway-parts.ts";
import type { Call } from "./call.ts";
import { commitOrDiscard } from "./steps/commit-or-discard.ts";
import { commitPart } from "./steps/commit-part.ts";
import { uploadChecksumOf } from "./steps/digest-record.ts";
import { findUpload, namedUpload } from "./steps/find-upload.ts";
import { expectBody, receiveBody } from "./steps/receive-body.ts";

export async function uploadPart(call: Call, parts: OperationParts): Promise<Answer> {
  const number = parsePartNumber(call.request.query.get("partNumber") ?? "");
  const expected = expectBody(call);
  await parts.log.barrier();
  const { place } = namedUpload(call, parts.log.view);
  const uploadChecksum = uploadChecksumOf(findUpload(parts.log.view, place).upload.record);
  checkPartAlgorithm(uploadChecksum, expected.digests.checksum);
  const { source, digests } = receiveBody(call, expected, { algorithm: uploadChecksum?.algorithm ?? null, parts });
  const owner = { bucketId: place.bucketId, objectKey: place.objectKey, inlineBytesMax: parts.settings.inlineBytesMax };
  const body = await parts.bodies.write(source, owner, call.client.signal);
  // Verified whenever it was sent; kept and told only when the upload named a kind.
  const checksum = uploadChecksum === null ? null : digests.checksum;
  const { etag } = await commitOrDiscard(parts, body, async () => {
    digests.checkMd5(body.md5);
    return commitPart(parts, { place, number, body, checksum });
  });
  return emptyAnswer(200, ["ETag", quoteEtag(etag), ...checksumHeaders(checksum)]);
}
