import { keys, putObject as putObjectChange, readObject, repairKeysOf } from "@kakera/metadata";
import { records } from "@kakera/protocol";
import { quoteEtag } from "@kakera/s3";
import { emptyAnswer, type Answer } from "../answer.ts";
import type { WrittenBody } from "../bodies.ts";
import type { OperationParts } from "../gateway-parts.ts";
import { noInspector } from "../request-body.ts";
import type { Call } from "./call.ts";
import { bucketOf, keyOf } from "./steps/addressed.ts";
import { authorOf } from "./steps/author.ts";
import { commitOrDiscard } from "./steps/commit-or-discard.ts";
import { decide } from "./steps/decide.ts";
import { etagOf } from "./steps/etag-of.ts";
import { placeFields } from "./steps/object-body.ts";
import { openBucket, sameBucket } from "./steps/open-bucket.ts";

export async function putObject(call: Call, parts: OperationParts): Promise<Answer> {
  const key = keyOf(call);
  const source = call.body.open(noInspector);
  await parts.log.barrier();
  const bucket = openBucket(parts.log.view, bucketOf(call));
  const owner = { bucketId: bucket.id, objectKey: key.bytes, inlineBytesMax: parts.settings.inlineBytesMax };
  const written = await parts.bodies.write(source, owner, call.signal);
  const fields = etagFields(written, parts);
  await commitOrDiscard(parts, written, () =>
    decide(parts, [keys.current(bucket.id, key.bytes)], () => {
      const { view } = parts.log;
      const present = sameBucket(view, bucket);
      const replaced = readObject(view, bucket.id, key.bytes);
      const change = putObjectChange(authorOf(parts), {
        bucketName: bucket.name,
        bucket: present.seen,
        objectKey: key.bytes,
        replaced,
        content: { sizeBytes: written.sizeBytes, modifiedMs: parts.clock.nowMs(), ...fields, ...placeFields(written) },
        repairs: written.repair === null ? [] : [written.repair],
        replacedRepairs: replaced === null ? [] : repairKeysOf(view, replaced.record),
      });
      return { change, answer: () => undefined };
    }),
  );
  return emptyAnswer(200, ["ETag", quoteEtag(etagOf({ ...fields, partCount: 0 }))]);
}

export function etagFields(written: WrittenBody, parts: OperationParts): { md5: Uint8Array; etagKind: number } {
  if (written.md5 !== null) return { md5: written.md5, etagKind: records.EtagKind.MD5 };
  return { md5: Buffer.from(parts.random.bytes(16)), etagKind: records.EtagKind.FAST };
}
