import { deleteObject as deleteObjectChange, keys, readObject, repairKeysOf } from "@kakera/metadata";
import { checkVersionId, checkWriteCondition, parseDeleteCondition } from "@kakera/s3";
import { emptyAnswer, type Answer } from "../answer.ts";
import type { OperationParts } from "../gateway-parts.ts";
import type { Call } from "./call.ts";
import { bucketOf, keyOf } from "./steps/addressed.ts";
import { authorOf } from "./steps/author.ts";
import { decide } from "./steps/decide.ts";
import { etagOf } from "./steps/etag-of.ts";
import { openBucket } from "./steps/open-bucket.ts";

/** 204 also when there was nothing; with If-Match an absent key is 404. */
export async function deleteObject(call: Call, parts: OperationParts): Promise<Answer> {
  const key = keyOf(call);
  const versionId = call.request.query.get("versionId");
  const condition = parseDeleteCondition(call.request.headers, versionId);
  await parts.log.barrier();
  const bucket = openBucket(parts.log.view, bucketOf(call));
  checkVersionId(versionId, key.text);
  const row = keys.current(bucket.id, key.bytes);
  await decide(parts, [row], () => {
    const { view } = parts.log;
    const object = readObject(view, bucket.id, key.bytes);
    checkWriteCondition(condition, object === null ? null : etagOf(object.record), key.text);
    if (object === null) return { answer: undefined };
    const deletion = { key: row, object, repairs: repairKeysOf(view, object.record) };
    return { change: deleteObjectChange(authorOf(parts), bucket.id, deletion), answer: () => undefined };
  });
  return emptyAnswer(204);
}
