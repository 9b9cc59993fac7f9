import { createBucket as createBucketChange, keys, readBucket } from "@kakera/metadata";
import { checkNewBucketName, S3Error } from "@kakera/s3";
import { emptyAnswer, type Answer } from "../answer.ts";
import type { OperationParts } from "../gateway-parts.ts";
import type { Call } from "./call.ts";
import { decide } from "./steps/decide.ts";
import { authorOf } from "./steps/author.ts";
import { bucketOf } from "./steps/addressed.ts";

/** AWS's oldest region, where creating one's own bucket again is no error and changes nothing. */
const forgivingRegion = "us-east-1";

export async function createBucket(call: Call, parts: OperationParts): Promise<Answer> {
  const name = bucketOf(call);
  checkNewBucketName(name);
  await parts.log.barrier();
  await decide(parts, [keys.bucket(name)], () => {
    if (readBucket(parts.log.view, name) !== null) {
      if (parts.settings.region !== forgivingRegion) throw new S3Error("BucketAlreadyOwnedByYou", { BucketName: name });
      return { answer: undefined };
    }
    const { change } = createBucketChange(authorOf(parts), name, { createdMs: call.nowMs });
    return { change, answer: () => undefined };
  });
  return emptyAnswer(200, ["Location", `/${name}`]);
}
