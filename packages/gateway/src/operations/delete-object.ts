import { deleteObject as deleteObjectChange, keys, readObject, repairKeysOf } from "@kakera/metadata";
import { emptyAnswer, type Answer } from "../answer.ts";
import type { OperationParts } from "../gateway-parts.ts";
import type { Call } from "./call.ts";
import { bucketOf, keyOf } from "./steps/addressed.ts";
import { authorOf } from "./steps/author.ts";
import { decide } from "./steps/decide.ts";
import { openBucket } from "./steps/open-bucket.ts";

export async function deleteObject(call: Call, parts: OperationParts): Promise<Answer> {
  const key = keyOf(call);
  await parts.log.barrier();
  const bucket = openBucket(parts.log.view, bucketOf(call));
  await decide(parts, [keys.current(bucket.id, key.bytes)], () => {
    const { view } = parts.log;
    const object = readObject(view, bucket.id, key.bytes);
    if (object === null) return { answer: undefined };
    const deletion = { objectKey: key.bytes, object, repairs: repairKeysOf(view, object.record) };
    return { change: deleteObjectChange(authorOf(parts), bucket.id, deletion), answer: () => undefined };
  });
  return emptyAnswer(204);
}
