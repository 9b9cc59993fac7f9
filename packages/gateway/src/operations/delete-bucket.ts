import { ClusterFailure } from "@kakera/kernel";
import { closeBucket, keys, ranges, removeBucket, reopenBucket, readBucket, type View } from "@kakera/metadata";
import { records } from "@kakera/protocol";
import { S3Error } from "@kakera/s3";
import { emptyAnswer, type Answer } from "../answer.ts";
import type { OperationParts } from "../gateway-parts.ts";
import type { Call } from "./call.ts";
import { abortUploadById } from "./steps/abort-upload-by-id.ts";
import { bucketOf } from "./steps/addressed.ts";
import { authorOf, markAuthorOf } from "./steps/author.ts";
import { commitPlanned, inTurn, isLeftBehind } from "./steps/decide.ts";
import { closingMark, openBucket, type OpenBucket } from "./steps/open-bucket.ts";
import { uploadsIn } from "./steps/upload-cursor.ts";

const uploadsPerRound = 100;

/**
 * The bucket is closed, so that nothing new is committed into it; proved empty; its open uploads die with it; it goes. What fails
 * on the way opens it again.
 */
export async function deleteBucket(call: Call, parts: OperationParts): Promise<Answer> {
  const name = bucketOf(call);
  await parts.log.barrier();
  const begun = openBucket(parts.log.view, name);
  refuseFull(parts.log.view, begun);
  await inTurn(parts, [keys.bucket(name)], async (deadlineMs) => {
    await close(parts, begun, deadlineMs);
    parts.failpoints.hit("bucket.after-close");
    try {
      await parts.log.barrier();
      refuseFull(parts.log.view, begun);
      await abortUploads(parts, begun);
      await remove(parts, begun, deadlineMs);
    } catch (failure) {
      await reopen(parts, begun, deadlineMs);
      throw failure;
    }
  });
  return emptyAnswer(204);
}

function refuseFull(view: View, bucket: OpenBucket): void {
  for (const range of [ranges.current(bucket.id), ranges.versions(bucket.id)]) {
    if (view.range(range.from, range.to, 1).length > 0)
      throw new S3Error("BucketNotEmpty", { BucketName: bucket.name });
  }
}

/** The bucket as it is, if it still is the one that this request found. */
function sameBucket(view: View, begun: OpenBucket): OpenBucket {
  const bucket = openBucket(view, begun.name);
  if (bucket.id !== begun.id) throw new S3Error("NoSuchBucket", { BucketName: begun.name });
  return bucket;
}

function close(parts: OperationParts, begun: OpenBucket, deadlineMs: number): Promise<void> {
  return commitPlanned<void>(parts, deadlineMs, () => {
    const bucket = sameBucket(parts.log.view, begun);
    if (bucket.seen.record.state === records.BucketState.OPEN) {
      return { change: closeBucket(markAuthorOf(parts), bucket.name, bucket.seen), answer: () => undefined };
    }
    // Left behind by us, it does as well as a new one; a stranger's is taken off first.
    if (isOurs(parts, bucket)) return { answer: undefined };
    throw closingMark(bucket);
  });
}

function isOurs(parts: OperationParts, bucket: OpenBucket): boolean {
  const { closingSession } = bucket.seen.record;
  return isLeftBehind(parts, closingSession) && Buffer.from(closingSession).toString("hex") === parts.markSession();
}

async function abortUploads(parts: OperationParts, bucket: OpenBucket): Promise<void> {
  for (;;) {
    const uploads = uploadsIn(parts.log.view, bucket.id, uploadsPerRound);
    if (uploads.length === 0) return;
    await Promise.all(uploads.map((upload) => abortUploadById(parts, upload)));
  }
}

function remove(parts: OperationParts, begun: OpenBucket, deadlineMs: number): Promise<void> {
  return commitPlanned<void>(parts, deadlineMs, () => {
    const bucket = sameBucket(parts.log.view, begun);
    refuseFull(parts.log.view, bucket);
    // Somebody took our mark for one left behind: what was proved does not hold any more.
    if (bucket.seen.record.state === records.BucketState.OPEN)
      throw new ClusterFailure("retry", "the bucket was opened again while it was being removed");
    return { change: removeBucket(authorOf(parts), bucket.name, bucket.seen), answer: () => undefined };
  });
}

/** When the log is out of reach the mark stays: whoever meets it takes it off. */
async function reopen(parts: OperationParts, begun: OpenBucket, deadlineMs: number): Promise<void> {
  try {
    await commitPlanned<void>(parts, deadlineMs, () => {
      const seen = readBucket(parts.log.view, begun.name);
      if (seen === null || seen.record.state === records.BucketState.OPEN) return { answer: undefined };
      return { change: reopenBucket(authorOf(parts), begun.name, seen), answer: () => undefined };
    });
  } catch (cause) {
    parts.logger.log("warn", "bucket.reopen.failed", { bucket: begun.name, cause });
  }
}
