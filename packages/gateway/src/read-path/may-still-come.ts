import type { DriveId } from "@kakera/kernel";
import type { FetchParts } from "./fetch-parts.ts";
import type { WindowShard } from "./window-shard.ts";

/**
 * Whether so many shards may be had yet, though not enough of their drives have answered. With as many nodes lost as the geometry bears, each of
 * the others is needed, and one that is only busy, or whose connection broke, is no reason to refuse a read.
 */
export function mayStillCome(
  shards: readonly WindowShard[],
  parts: Pick<FetchParts, "drives" | "clock" | "settings">,
  count: number,
): boolean {
  const hopeful = shards.filter(
    ({ state, isRuledOut, home }) => state === "here" || (!isRuledOut && mayAnswer(home, parts)),
  );
  return hopeful.length >= count;
}

function mayAnswer(
  home: DriveId | null,
  { drives, clock, settings }: Pick<FetchParts, "drives" | "clock" | "settings">,
): boolean {
  const status = home === null ? undefined : drives.get(home)?.status();
  if (status === undefined) return false;
  if (status.condition !== "offline") return true;
  return status.awaySinceMs !== undefined && clock.monotonicMs() - status.awaySinceMs < settings.awayPatienceMs;
}
