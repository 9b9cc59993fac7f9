import { readObject } from "@kakera/metadata";
import { checkWriteCondition, checksumHeaders, parseWriteCondition, quoteEtag } from "@kakera/s3";
import { emptyAnswer, type Answer } from "../answer.ts";
import type { OperationParts } from "../gateway-parts.ts";
import type { Call } from "./call.ts";
import { bucketOf, keyOf } from "./steps/addressed.ts";
import { commitObject } from "./steps/commit-object.ts";
import { commitOrDiscard } from "./steps/commit-or-discard.ts";
import { describeObject } from "./steps/described-object.ts";
import { etagOf } from "./steps/etag-of.ts";
import { openBucket } from "./steps/open-bucket.ts";
import { expectBody, receiveBody } from "./steps/receive-body.ts";

/** A body comes in, is made durable, and becomes the current object of its key. */
export async function putObject(call: Call, parts: OperationParts): Promise<Answer> {
  const { headers } = call.request;
  const key = keyOf(call);
  const condition = parseWriteCondition(headers);
  const described = describeObject(headers);
  const expected = expectBody(call);
  await parts.log.barrier();
  const bucket = openBucket(parts.log.view, bucketOf(call));
  // Before a byte is read, so that nobody sends 5 GiB to be told 412; decided in the commit.
  const present = readObject(parts.log.view, bucket.id, key.bytes);
  checkWriteCondition(condition, present === null ? null : etagOf(present.record), key.text);
  const { source, digests } = receiveBody(call, expected, { algorithm: null, parts });
  const owner = { bucketId: bucket.id, objectKey: key.bytes, inlineBytesMax: parts.settings.inlineBytesMax };
  const body = await parts.bodies.write(source, owner, call.client.signal);
  parts.failpoints.hit("put.before-commit");
  const { checksum } = digests;
  const { etag } = await commitOrDiscard(parts, body, async () => {
    digests.checkMd5(body.md5);
    return commitObject(parts, { bucket, key, condition, described, body, checksum });
  });
  parts.failpoints.hit("put.after-commit");
  return emptyAnswer(200, ["ETag", quoteEtag(etag), ...checksumHeaders(checksum)]);
}
