import { readParts } from "@kakera/metadata";
import { pageParts, parseListParts, renderListParts, type StoredPartFacts } from "@kakera/s3";
import { xmlAnswer, type Answer } from "../answer.ts";
import type { OperationParts } from "../gateway-parts.ts";
import type { Call } from "./call.ts";
import { keyOf } from "./steps/addressed.ts";
import { checksumOf, uploadChecksumOf } from "./steps/digest-record.ts";
import { etagOfPart } from "./steps/etag-of.ts";
import { findUpload, namedUpload } from "./steps/find-upload.ts";

export async function listParts(call: Call, parts: OperationParts): Promise<Answer> {
  const parameters = parseListParts(call.request.query);
  await parts.log.barrier();
  const { view } = parts.log;
  const { bucket, place } = namedUpload(call, view);
  const { record } = findUpload(view, place).upload;
  const stored = readParts(view, place.uploadId).map(({ record: { part } }): StoredPartFacts => ({
    partNumber: part?.number ?? 0,
    etag: etagOfPart(part ?? {}),
    sizeBytes: part?.sizeBytes ?? 0,
    lastModifiedMs: part?.modifiedMs ?? 0,
    checksum: checksumOf(part?.checksum, 0),
  }));
  const upload = {
    bucket: bucket.name,
    key: keyOf(call).text,
    uploadId: place.uploadId,
    checksum: uploadChecksumOf(record),
  };
  const page = pageParts(stored, parameters);
  return xmlAnswer(renderListParts(upload, parameters, { page, owner: parts.settings.owner }));
}
