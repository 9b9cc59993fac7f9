import { readObject } from "@kakera/metadata";
import type { ObjectRecord } from "@kakera/protocol";
import {
  checkCopyOntoItself,
  checkCopySize,
  checkWriteCondition,
  parseCopyDirectives,
  parseUploadChecksum,
  parseWriteCondition,
  renderCopyObject,
  type ChecksumAlgorithm,
  type CopiedObject,
  type CopyDirectives,
  type CopySource,
  type WriteCondition,
} from "@kakera/s3";
import type { Answer } from "../answer.ts";
import type { OperationParts } from "../gateway-parts.ts";
import type { Call } from "./call.ts";
import { bucketOf, keyOf } from "./steps/addressed.ts";
import { commitDescription } from "./steps/commit-description.ts";
import { commitObject } from "./steps/commit-object.ts";
import { commitOrDiscard } from "./steps/commit-or-discard.ts";
import { copyBody } from "./steps/copy-body.ts";
import type { CurrentObject } from "./steps/current-object.ts";
import { describeContent, describedBy, readTagsHeader, type DescribedObject } from "./steps/described-object.ts";
import { checksumOf } from "./steps/digest-record.ts";
import { etagOf } from "./steps/etag-of.ts";
import { findCopySource, namedCopySource } from "./steps/find-copy-source.ts";
import { storedBodies } from "./steps/object-body.ts";
import { openBucket, type OpenBucket } from "./steps/open-bucket.ts";

/** The body is read and written anew; what describes it comes from the source or from this request, as the directives say. */
export async function copyObject(call: Call, parts: OperationParts): Promise<Answer> {
  const { headers } = call.request;
  const source = namedCopySource(call);
  const directives = parseCopyDirectives(headers);
  const content = directives.metadata === "REPLACE" ? describeContent(headers) : null;
  const tags = directives.tagging === "REPLACE" ? readTagsHeader(headers) : null;
  const copy: Copy = {
    source,
    directives,
    condition: parseWriteCondition(headers),
    algorithm: parseUploadChecksum(headers)?.algorithm ?? null,
    describe: (record) => {
      const own = describedBy(record);
      return { ...(content ?? own), tags: tags ?? own.tags };
    },
  };
  await parts.log.barrier();
  return {
    kind: "slow",
    headers: [],
    work: async () => ({ body: renderCopyObject(await copyWhole(call, parts, copy)), headers: [] }),
  };
}

interface Copy {
  readonly source: CopySource;
  readonly directives: CopyDirectives;
  readonly condition: WriteCondition;
  /** Asked for; null: the source's. */
  readonly algorithm: ChecksumAlgorithm | null;
  readonly describe: (record: ObjectRecord) => DescribedObject;
}

async function copyWhole(call: Call, parts: OperationParts, copy: Copy): Promise<CopiedObject> {
  const bucket = openBucket(parts.log.view, bucketOf(call));
  const source = findCopySource(call, parts, copy.source);
  checkCopyOntoItself(copy.source, { bucket: bucketOf(call), key: keyOf(call) }, copy.directives);
  const { record } = source.seen;
  checkCopySize(record.sizeBytes);
  checkDestination(call, parts, { bucket, condition: copy.condition });
  const checksum = checksumOf(record.checksum, record.partCount);
  const algorithm = copy.algorithm ?? checksum?.algorithm ?? null;
  if (isOntoItself(call, source) && record.partCount === 0 && algorithm === (checksum?.algorithm ?? null)) {
    const { etag, modifiedMs } = await commitDescription(parts, {
      object: source,
      condition: copy.condition,
      describe: copy.describe,
    });
    return { etag, lastModifiedMs: modifiedMs, checksum };
  }
  return await copyBytes(call, parts, { ...copy, bucket, record, algorithm });
}

/** Before a byte is copied; decided in the commit. */
function checkDestination(
  call: Call,
  parts: OperationParts,
  asked: { bucket: OpenBucket; condition: WriteCondition },
): void {
  const key = keyOf(call);
  const present = readObject(parts.log.view, asked.bucket.id, key.bytes);
  checkWriteCondition(asked.condition, present === null ? null : etagOf(present.record), key.text);
}

function isOntoItself(call: Call, source: CurrentObject): boolean {
  return source.bucket.name === bucketOf(call) && source.key.bytes.equals(keyOf(call).bytes);
}

async function copyBytes(
  call: Call,
  parts: OperationParts,
  copy: Copy & { readonly bucket: OpenBucket; readonly record: ObjectRecord },
): Promise<CopiedObject> {
  const { bucket, record, condition, algorithm } = copy;
  const key = keyOf(call);
  const owner = { bucketId: bucket.id, objectKey: key.bytes, inlineBytesMax: parts.settings.inlineBytesMax };
  const range = { offsetBytes: 0, lengthBytes: record.sizeBytes };
  const { body, checksum } = await copyBody(
    parts,
    { stored: storedBodies(parts.log.view, record), range, owner, algorithm },
    call.client.signal,
  );
  const described = copy.describe(record);
  const { etag, modifiedMs } = await commitOrDiscard(parts, body, () =>
    commitObject(parts, { bucket, key, condition, described, body, checksum }),
  );
  return { etag, lastModifiedMs: modifiedMs, checksum };
}
