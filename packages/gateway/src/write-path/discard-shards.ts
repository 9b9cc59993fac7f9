import { ClusterFailure, sleep, type Clock, type DriveId, type Logger } from "@kakera/kernel";
import type { ShardRef } from "@kakera/rpc";
import type { Drives } from "./choose-homes.ts";

export interface PlacedShard {
  readonly ref: ShardRef;
  readonly driveId: DriveId;
}

/** So long is waited for drives to forget shards that nothing names; later it happens behind the caller's back. */
const discardWaitMsMax = 1_000;

/**
 * Removes shards that no record names. Best effort, never rejects: what stays behind is an orphan, which the census
 * collects when its session or write number is decided (R8).
 */
export async function discardShards(
  parts: { readonly drives: Drives; readonly clock: Clock; readonly logger: Logger },
  shards: readonly PlacedShard[],
): Promise<void> {
  const byDrive = new Map<DriveId, ShardRef[]>();
  for (const { ref, driveId } of shards) {
    const refs = byDrive.get(driveId) ?? [];
    refs.push(ref);
    byDrive.set(driveId, refs);
  }
  const removals = [...byDrive].map(async ([driveId, refs]) => {
    try {
      await parts.drives.get(driveId)?.remove(refs);
    } catch (failure) {
      if (!(failure instanceof ClusterFailure)) throw failure;
      parts.logger.log("warn", "shards.left-behind", { driveId, count: refs.length });
    }
  });
  await withinWait(parts.clock, Promise.all(removals));
}

/** Resolves when `work` did, or after the longest wait. */
export async function withinWait(clock: Clock, work: Promise<unknown>): Promise<void> {
  const stop = new AbortController();
  await Promise.race([work, sleep(clock, discardWaitMsMax, stop.signal).catch(() => {})]);
  stop.abort(new ClusterFailure("retry", "no longer waited for"));
}
