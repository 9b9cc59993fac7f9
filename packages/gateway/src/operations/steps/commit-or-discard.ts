import { ClusterFailure } from "@kakera/kernel";
import { UnknownOutcome } from "@kakera/metadata";
import { S3Error } from "@kakera/s3";
import type { WrittenBody } from "../../bodies.ts";
import type { OperationParts } from "../../gateway-parts.ts";

/**
 * Runs the commit of a record that names `written`. When it has certainly not happened, the body is freed at once: a full
 * disk must not stay full (correctness.md F26). When that is unknown, nothing is freed here: a record may name it.
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
    // Nobody waits for it any more: a record names it by now or never will, and the census can tell (R8). Else all that this session writes from
    // now on would count as not decided for as long as it lives.
    else if (failure instanceof UnknownOutcome && failure.fate === "decided") parts.bodies.settle([written]);
    throw failure;
  }
}

/** An unknown outcome, a halt and a bug of ours say nothing of what is in the log. */
export function hasCertainlyNotHappened(failure: unknown): boolean {
  if (failure instanceof UnknownOutcome) return false;
  if (failure instanceof S3Error) return true;
  return failure instanceof ClusterFailure && (failure.kind === "retry" || failure.kind === "full");
}
