import { keys, setBucketTags } from "@kakera/metadata";
import { checkBucketTags, parseTagging, renderTagging, S3Error, taggingBytesMax, type Tag } from "@kakera/s3";
import { emptyAnswer, xmlAnswer, type Answer } from "../answer.ts";
import type { OperationParts } from "../gateway-parts.ts";
import type { Call } from "./call.ts";
import { bucketOf } from "./steps/addressed.ts";
import { authorOf } from "./steps/author.ts";
import { decide } from "./steps/decide.ts";
import { tagsOf } from "./steps/described-object.ts";
import { openBucket, writableBucket } from "./steps/open-bucket.ts";
import { readDocument } from "./steps/read-document.ts";

export async function getBucketTagging(call: Call, parts: OperationParts): Promise<Answer> {
  await parts.log.barrier();
  const bucket = openBucket(parts.log.view, bucketOf(call));
  const tags = tagsOf(bucket.seen.record.tags);
  if (tags.length === 0) throw new S3Error("NoSuchTagSet", { BucketName: bucket.name });
  return xmlAnswer(renderTagging(tags));
}

export async function putBucketTagging(call: Call, parts: OperationParts): Promise<Answer> {
  const tags = parseTagging(await readDocument(call, taggingBytesMax));
  checkBucketTags(tags);
  await commitTags(call, parts, tags);
  return emptyAnswer(204);
}

export async function deleteBucketTagging(call: Call, parts: OperationParts): Promise<Answer> {
  await commitTags(call, parts, []);
  return emptyAnswer(204);
}

async function commitTags(call: Call, parts: OperationParts, tags: readonly Tag[]): Promise<void> {
  await parts.log.barrier();
  const begun = openBucket(parts.log.view, bucketOf(call));
  await decide<void>(parts, [keys.bucket(begun.name)], () => {
    const bucket = writableBucket(parts, begun);
    const change = setBucketTags(
      authorOf(parts),
      bucket.name,
      bucket.seen,
      tags.map((tag) => ({ key: tag.key, value: tag.value })),
    );
    return { change, answer: () => undefined };
  });
}
