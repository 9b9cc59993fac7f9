import { ClusterFailure } from "@kakera/kernel";
import { BodyChecksum, type ChecksumAlgorithm, type ObjectChecksum } from "@kakera/s3";
import type { BodyOwner, BodyRange, BodySource, StoredBody, WrittenBody } from "../../bodies.ts";
import type { OperationParts } from "../../gateway-parts.ts";
import { BodyPipe } from "./body-pipe.ts";

export interface CopiedBody {
  readonly body: WrittenBody;
  /** Of the kind asked for; null when none was. */
  readonly checksum: ObjectChecksum | null;
}

export interface BodyToCopy {
  readonly stored: readonly StoredBody[];
  readonly range: BodyRange;
  readonly owner: BodyOwner;
  readonly algorithm: ChecksumAlgorithm | null;
}

/**
 * Reads a body and writes it anew, in chunks of its own: chunks are never shared, as each is named by exactly one record
 * (correctness.md F7). Rejects as `bodies.read` and `bodies.write` do.
 */
export async function copyBody(parts: OperationParts, copy: BodyToCopy, signal: AbortSignal): Promise<CopiedBody> {
  const checksum = new BodyChecksum(null, copy.algorithm);
  const pipe = new BodyPipe(copy.range.lengthBytes);
  const stop = new AbortController();
  const reading = fetchInto(parts, copy, { pipe, signal: AbortSignal.any([signal, stop.signal]) });
  try {
    const body = await parts.bodies.write(watched(pipe, checksum), copy.owner, signal);
    await reading;
    return { body, checksum: checksum.finish([]) };
  } catch (failure) {
    const cause = new ClusterFailure("retry", "the copy was given up", { cause: failure });
    stop.abort(cause);
    pipe.fail(cause);
    await reading;
    throw failure;
  }
}

/** Never rejects: a failure reaches the writing end through the pipe. */
async function fetchInto(
  parts: OperationParts,
  copy: BodyToCopy,
  end: { readonly pipe: BodyPipe; readonly signal: AbortSignal },
): Promise<void> {
  try {
    if (copy.range.lengthBytes > 0) await parts.bodies.read(copy.stored, copy.range, end.pipe, end.signal);
    end.pipe.end();
  } catch (failure) {
    end.pipe.fail(failure);
  }
}

function watched(source: BodySource, checksum: BodyChecksum): BodySource {
  return {
    sizeBytes: source.sizeBytes,
    async pull() {
      const slice = await source.pull();
      if (slice !== null) checksum.update(slice);
      return slice;
    },
  };
}
