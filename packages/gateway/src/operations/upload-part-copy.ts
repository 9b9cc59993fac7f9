import {
  checkCopySize,
  parseCopySourceRange,
  parsePartNumber,
  renderCopyPart,
  type CopiedObject,
  type CopySource,
} from "@kakera/s3";
import type { Answer } from "../answer.ts";
import type { OperationParts } from "../gateway-parts.ts";
import type { Call } from "./call.ts";
import { commitOrDiscard } from "./steps/commit-or-discard.ts";
import { commitPart } from "./steps/commit-part.ts";
import { copyBody } from "./steps/copy-body.ts";
import { uploadChecksumOf } from "./steps/digest-record.ts";
import { findCopySource, namedCopySource } from "./steps/find-copy-source.ts";
import { findUpload, namedUpload } from "./steps/find-upload.ts";
import { storedBodies } from "./steps/object-body.ts";

/** A part whose bytes are those of an object, or of a range of one. */
export async function uploadPartCopy(call: Call, parts: OperationParts): Promise<Answer> {
  const number = parsePartNumber(call.request.query.get("partNumber") ?? "");
  const source = namedCopySource(call);
  await parts.log.barrier();
  const work = async (): Promise<{ body: string; headers: string[] }> => {
    return { body: renderCopyPart(await copyPart(call, parts, { number, source })), headers: [] };
  };
  return { kind: "slow", headers: [], work };
}

async function copyPart(
  call: Call,
  parts: OperationParts,
  copy: { readonly number: number; readonly source: CopySource },
): Promise<CopiedObject> {
  const { view } = parts.log;
  const { place } = namedUpload(call, view);
  const uploadChecksum = uploadChecksumOf(findUpload(view, place).upload.record);
  const { record } = findCopySource(call, parts, copy.source).seen;
  const selected = parseCopySourceRange(call.request.headers.first("x-amz-copy-source-range"), record.sizeBytes);
  const range =
    selected === null
      ? { offsetBytes: 0, lengthBytes: record.sizeBytes }
      : { offsetBytes: selected.firstByte, lengthBytes: selected.lastByte - selected.firstByte + 1 };
  checkCopySize(range.lengthBytes);
  const owner = {
    bucketId: place.bucketId,
    objectKey: place.objectKey,
    inlineBytesMax: parts.settings.inlineBytesMax,
  };
  const algorithm = uploadChecksum?.algorithm ?? null;
  const { body, checksum } = await copyBody(
    parts,
    { stored: storedBodies(view, record), range, owner, algorithm },
    call.client.signal,
  );
  const { etag, modifiedMs } = await commitOrDiscard(parts, body, () =>
    commitPart(parts, { place, number: copy.number, body, checksum }),
  );
  return { etag, lastModifiedMs: modifiedMs, checksum };
}
