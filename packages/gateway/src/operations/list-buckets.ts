import { ranges } from "@kakera/metadata";
import { records } from "@kakera/protocol";
import { pageBuckets, parseListBuckets, renderListBuckets, type ListedBucket } from "@kakera/s3";
import { xmlAnswer, type Answer } from "../answer.ts";
import type { OperationParts } from "../gateway-parts.ts";
import type { Call } from "./call.ts";
import { createViewCursor } from "./steps/view-cursor.ts";

export async function listBuckets(call: Call, parts: OperationParts): Promise<Answer> {
  const parameters = parseListBuckets(call.request.query);
  await parts.log.barrier();
  const decode = (value: Buffer): ListedBucket => {
    const { createdMs, region } = records.BucketRecord.decode(value);
    return { createdMs, region: region === "" ? parts.settings.region : region };
  };
  const table = ranges.table("bucket");
  const page = pageBuckets(createViewCursor(parts.log.view, table, decode), parameters);
  return xmlAnswer(renderListBuckets(parameters, { page, owner: parts.settings.owner }));
}
