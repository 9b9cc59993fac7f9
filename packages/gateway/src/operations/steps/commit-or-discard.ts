import { ClusterFailure } from "@kakera/kernel";
import { UnknownOutcome } from "@kakera/metadata";
import { S3Error } from "@kakera/s3";
import type { WrittenBody } from "../../bodies.ts";
import type { OperationParts } from "../../gateway-parts.ts";

/**
 * Runs the commit of a record that names `written`. When it has certainly not happened, the body is freed at once: a full
 * disk must not stay full (correctness.md F26). When that is unknown, nothing is freed: a record may name it.
 */
export async function commitOrDiscard<T>(
  parts: OperationParts,
  written: WrittenBody,
  commit: () => Promise<T>,
): Promise<T> {
  try {
    // A commit travels under the session of the chunks' headers, or not at all (correctness.md F27 R2).
    if (written.session !== parts.log.session)
      throw new ClusterFailure("retry", "the session has changed since the body was written");
    const result = await commit();
    parts.bodies.settle([written]);
    return result;
  } catch (failure) {
    if (hasCertainlyNotHappened(failure)) await parts.bodies.discard([written]);
    throw failure;
  }
}

/** An unknown outcome, a halt and a bug of ours say nothing of what is in the log. */
export function hasCertainlyNotHappened(failure: unknown): boolean {
  if (failure instanceof UnknownOutcome) return false;
  if (failure instanceof S3Error) return true;
  return failure instanceof ClusterFailure && (failure.kind === "retry" || failure.kind === "full");
}
