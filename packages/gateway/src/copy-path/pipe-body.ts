import { ClusterFailure } from "@kakera/kernel";
import type { BodyOriginal, BodySink, BodySource } from "../bodies.ts";
import { BodyPipe } from "./body-pipe.ts";

/** The two halves of a copy: `read` brings the original's range to the sink, `write` takes it from the source. */
export interface CopyHalves<Written> {
  readonly read: (sink: BodySink, signal: AbortSignal) => Promise<void>;
  readonly write: (source: BodySource) => Promise<Written>;
}

/** Runs both at once. When one fails so does the other, and what the writing one threw is thrown when both have ended. */
export async function pipeBody<Written>(
  { range, watch }: BodyOriginal,
  halves: CopyHalves<Written>,
  signal: AbortSignal,
): Promise<Written> {
  const pipe = new BodyPipe(range.lengthBytes);
  const stop = new AbortController();
  const reading = fetchInto(pipe, async () => {
    if (range.lengthBytes > 0) await halves.read(pipe, AbortSignal.any([signal, stop.signal]));
  });
  try {
    const written = await halves.write(watched(pipe, watch));
    await reading;
    return written;
  } catch (failure) {
    const cause = new ClusterFailure("retry", "the copy was given up", { cause: failure });
    stop.abort(cause);
    pipe.fail(cause);
    await reading;
    throw failure;
  }
}

/** Never rejects: a failure reaches the writing half through the pipe. */
async function fetchInto(pipe: BodyPipe, read: () => Promise<void>): Promise<void> {
  try {
    await read();
    pipe.end();
  } catch (failure) {
    pipe.fail(failure);
  }
}

function watched(source: BodySource, watch: (bytes: Buffer) => void): BodySource {
  return {
    sizeBytes: source.sizeBytes,
    async pull() {
      const slice = await source.pull();
      if (slice !== null) watch(slice);
      return slice;
    },
  };
}
