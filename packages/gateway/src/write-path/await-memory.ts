import { ClusterFailure, sleep, type Clock } from "@kakera/kernel";
import type { SlabLease } from "../slab-lease.ts";

/**
 * Until the lease may hand out so much. Drives that a body no longer waits for may still read what it sent them: as many as
 * may hang for ever are reckoned with, and more are only slow and give it back. Rejects with ClusterFailure `retry` at the
 * deadline, or with the signal's reason.
 */
export async function awaitMemory(
  lease: SlabLease,
  bytes: number,
  waiting: { readonly clock: Clock; readonly deadlineMs: number; readonly signal: AbortSignal },
): Promise<void> {
  if (lease.unusedBytes >= bytes) return;
  const stop = new AbortController();
  const deadline = sleep(waiting.clock, waiting.deadlineMs, AbortSignal.any([waiting.signal, stop.signal]));
  deadline.catch(() => {});
  try {
    await Promise.race([lease.untilUnused(bytes), deadline]);
  } finally {
    stop.abort(new ClusterFailure("retry", "no longer waited for"));
  }
  if (lease.unusedBytes < bytes)
    throw new ClusterFailure("retry", "drives hang on a write's memory", { reason: "DRIVE_SLOW" });
}
