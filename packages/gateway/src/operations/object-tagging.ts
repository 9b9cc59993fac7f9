import { keys, readObject, setTags } from "@kakera/metadata";
import { checkObjectTags, parseTagging, renderTagging, S3Error, taggingBytesMax, type Tag } from "@kakera/s3";
import { emptyAnswer, xmlAnswer, type Answer } from "../answer.ts";
import type { OperationParts } from "../gateway-parts.ts";
import type { Call } from "./call.ts";
import { authorOf } from "./steps/author.ts";
import { currentObject } from "./steps/current-object.ts";
import { decide } from "./steps/decide.ts";
import { tagsOf } from "./steps/described-object.ts";
import { readDocument } from "./steps/read-document.ts";

export async function getObjectTagging(call: Call, parts: OperationParts): Promise<Answer> {
  await parts.log.barrier();
  const { record } = currentObject(call, parts.log.view).seen;
  return xmlAnswer(renderTagging(tagsOf(record.tags)));
}

export async function putObjectTagging(call: Call, parts: OperationParts): Promise<Answer> {
  const tags = parseTagging(await readDocument(call, taggingBytesMax));
  checkObjectTags(tags);
  await commitTags(call, parts, tags);
  return emptyAnswer(200);
}

export async function deleteObjectTagging(call: Call, parts: OperationParts): Promise<Answer> {
  await commitTags(call, parts, []);
  return emptyAnswer(204);
}

async function commitTags(call: Call, parts: OperationParts, tags: readonly Tag[]): Promise<void> {
  await parts.log.barrier();
  const { bucket, key } = currentObject(call, parts.log.view);
  await decide<void>(parts, [keys.current(bucket.id, key.bytes)], () => {
    const object = readObject(parts.log.view, bucket.id, key.bytes);
    if (object === null) throw new S3Error("NoSuchKey", { Key: key.text });
    const place = { bucketId: bucket.id, objectKey: key.bytes };
    const change = setTags(
      authorOf(parts),
      place,
      object,
      tags.map((tag) => ({ key: tag.key, value: tag.value })),
    );
    return { change, answer: () => undefined };
  });
}
