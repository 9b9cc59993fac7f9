import { createUpload, readObject } from "@kakera/metadata";
import {
  checkWriteCondition,
  parseUploadChecksum,
  parseWriteCondition,
  renderInitiateMultipartUpload,
} from "@kakera/s3";
import { xmlAnswer, type Answer } from "../answer.ts";
import type { OperationParts } from "../gateway-parts.ts";
import type { Call } from "./call.ts";
import { bucketOf, keyOf } from "./steps/addressed.ts";
import { authorOf } from "./steps/author.ts";
import { decide } from "./steps/decide.ts";
import { describeObject, descriptionFields } from "./steps/described-object.ts";
import { uploadDigestFields } from "./steps/digest-record.ts";
import { conditionFields } from "./steps/upload-condition.ts";
import { etagOf } from "./steps/etag-of.ts";
import { openBucket, writableBucket } from "./steps/open-bucket.ts";

/** Type, metadata, tags and checksum kind are given here, and kept for Complete. */
export async function createMultipartUpload(call: Call, parts: OperationParts): Promise<Answer> {
  const { headers } = call.request;
  const key = keyOf(call);
  const condition = parseWriteCondition(headers);
  const described = describeObject(headers);
  const checksum = parseUploadChecksum(headers);
  await parts.log.barrier();
  const begun = openBucket(parts.log.view, bucketOf(call));
  const present = readObject(parts.log.view, begun.id, key.bytes);
  checkWriteCondition(condition, present === null ? null : etagOf(present.record), key.text);
  const uploadId = await decide(parts, [], () => {
    const bucket = writableBucket(parts, begun);
    const created = createUpload(
      authorOf(parts),
      { bucketName: bucket.name, bucket: bucket.seen, objectKey: key.bytes },
      {
        startedMs: call.nowMs,
        ...descriptionFields(described),
        ...uploadDigestFields(checksum),
        ...conditionFields(condition),
      },
    );
    return { change: created.change, answer: () => created.uploadId };
  });
  const told =
    checksum === null ? [] : ["x-amz-checksum-algorithm", checksum.algorithm, "x-amz-checksum-type", checksum.type];
  return xmlAnswer(renderInitiateMultipartUpload({ bucket: begun.name, key: key.text, uploadId }), told);
}
