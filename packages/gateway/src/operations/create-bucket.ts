import { createBucket as createBucketChange, keys, readBucket } from "@kakera/metadata";
import { records } from "@kakera/protocol";
import {
  checkBucketRecreation,
  checkBucketTags,
  checkNewBucketName,
  parseCreateBucketConfiguration,
  taggingBytesMax,
} from "@kakera/s3";
import { emptyAnswer, type Answer } from "../answer.ts";
import type { OperationParts } from "../gateway-parts.ts";
import type { Call } from "./call.ts";
import { bucketOf } from "./steps/addressed.ts";
import { authorOf } from "./steps/author.ts";
import { decide } from "./steps/decide.ts";
import { closingMark, openBucket } from "./steps/open-bucket.ts";
import { readOptionalDocument } from "./steps/read-document.ts";

export async function createBucket(call: Call, parts: OperationParts): Promise<Answer> {
  const name = bucketOf(call);
  checkNewBucketName(name);
  const { locationConstraint, tags } = parseCreateBucketConfiguration(
    await readOptionalDocument(call, taggingBytesMax),
  );
  checkBucketTags(tags);
  await parts.log.barrier();
  const { view } = parts.log;
  await decide(parts, [keys.bucket(name)], () => {
    const present = readBucket(view, name);
    // Whether it goes or stays is not decided yet.
    if (present?.record.state === records.BucketState.CLOSING) throw closingMark(openBucket(view, name));
    if (present !== null) {
      checkBucketRecreation(parts.settings.region, name);
      return { answer: undefined };
    }
    const content = {
      createdMs: call.nowMs,
      region: locationConstraint ?? "",
      tags: tags.map(({ key, value }) => ({ key, value })),
    };
    return { change: createBucketChange(authorOf(parts), name, content).change, answer: () => undefined };
  });
  return emptyAnswer(200, ["Location", `/${name}`]);
}
