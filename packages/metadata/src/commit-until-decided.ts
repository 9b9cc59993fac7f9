import { ClusterFailure, sleep, type Clock, type Random } from "@kakera/kernel";
import type { Change, CommitLog } from "./ports/commit-log.ts";

/** What a request wants done in view of the present state: a change and its answer, or the answer at once. */
export type Plan<Answer> =
  | { readonly change: Change; readonly answer: (revision: number) => Answer }
  | { readonly answer: Answer };

export interface Deciding {
  readonly log: CommitLog;
  readonly clock: Clock;
  readonly random: Random;
  /** By `clock.monotonicMs()`. */
  readonly deadlineMs: number;
}

/**
 * A refused change waits for up to so many round trips of a commit before it is planned again (correctness.md F19): long enough for the
 * winner to commit some of its line with nobody in its way, and not longer each time: who has lost once too often would lose ever after.
 */
const waitRoundTripsMax = 8;
/** A log that answers within the same turn has none to measure. */
const roundTripMsMin = 1;
const waitMsMax = 200;

/**
 * Plans and commits until it is decided. `plan` reads the view, checks the request's conditions against it (and throws what
 * the client is to be told), and builds the change; a change that was refused is planned anew from what there is by then.
 * So an unconditional request goes on until its deadline (`retry`), and a conditional one fails at its first definite failure.
 */
export async function commitUntilDecided<Answer>(deciding: Deciding, plan: () => Plan<Answer>): Promise<Answer> {
  const { log, clock, random, deadlineMs } = deciding;
  for (let attempt = 1; ; attempt++) {
    // A view that is being read anew lacks rows that the log holds: a plan would take what is there for gone, and tell the client.
    if (log.status().canRead === "no") await log.barrier();
    const planned = plan();
    if (!("change" in planned)) return planned.answer;
    const startedMs = clock.monotonicMs();
    const result = await log.commit(planned.change);
    if (result.outcome === "committed") return planned.answer(result.revision);
    const nowMs = clock.monotonicMs();
    if (nowMs >= deadlineMs) {
      throw new ClusterFailure("retry", `a change was refused ${attempt} times: its key is changed too often`);
    }
    const roundTripMs = Math.max(roundTripMsMin, nowMs - startedMs);
    await sleep(clock, random.fraction() * Math.min(waitMsMax, waitRoundTripsMax * roundTripMs));
  }
}
