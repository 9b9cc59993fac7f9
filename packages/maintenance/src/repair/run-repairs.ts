import { ClusterFailure, idFromBytes, MINUTE_MS, SECOND_MS, sleep, type Clock } from "@kakera/kernel";
import { ranges, type Key } from "@kakera/metadata";
import type { RepairItem } from "./repair-backlog.ts";
import { itemsOfRow } from "./items-of-row.ts";
import { repairChunk, type RepairOutcome, type RepairParts } from "./repair-chunk.ts";

/** An item that could not be mended is tried again after so long at the latest; sooner when a drive comes back. */
const putOffMs = MINUTE_MS;
const lostPutOffMs = 10 * MINUTE_MS;
/** With an empty backlog: a put-off item comes due, an addition wakes it at once. */
const idleMs = 5 * SECOND_MS;
/** Rows taken up at one look; the next look takes the others. */
const rowsPerLook = 1_000;

/** Mends chunk after chunk, the weakest first, until the signal is aborted. */
export async function runRepairs(parts: RepairParts, isPaused: () => boolean, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const item = isPaused() ? null : parts.backlog.next();
    if (item === null) await untilAddition(parts, signal);
    else await repairOnce(parts, item);
  }
}

/** One item, and what becomes of it in the backlog. */
export async function repairOnce(parts: RepairParts, item: RepairItem): Promise<RepairOutcome> {
  const { dataId, chunkIndex } = item;
  try {
    const outcome = await repairChunk(parts, item);
    if (outcome === "whole" || outcome === "gone") parts.backlog.done(item);
    else if (outcome === "waiting") parts.backlog.putOffAgain(item, putOffMs);
    else parts.backlog.putOff(item, lostPutOffMs);
    if (outcome === "lost") parts.logger.log("error", "chunk.lost", { dataId, chunkIndex });
    return outcome;
  } catch (failure) {
    if (!(failure instanceof ClusterFailure)) throw failure;
    parts.logger.log("warn", "repair.failed", { dataId, chunkIndex, reason: failure.reason, message: failure.message });
    parts.backlog.putOffAgain(item, putOffMs);
    return "waiting";
  }
}

/**
 * Takes some of the log's repair rows into the backlog: after a start, and for what writes left on substitutes since. From
 * `from` on (null: the first); returns where to go on, null at the end.
 */
export function takeUpRows(parts: RepairParts, from: Key | null): Key | null {
  const table = ranges.table("repair");
  const keys: Buffer[] = [];
  parts.log.view.walk(from ?? table.from, table.to, (key) => {
    keys.push(Buffer.from(key));
    return keys.length > rowsPerLook ? "stop" : "next";
  });
  const next = keys[rowsPerLook] ?? null;
  // The row's id, which is that of its body, follows the table byte.
  for (const key of keys.slice(0, rowsPerLook)) itemsOfRow(parts, idFromBytes("data", key.subarray(1)));
  return next;
}

async function untilAddition(
  { backlog, clock }: { readonly backlog: RepairParts["backlog"]; readonly clock: Clock },
  signal: AbortSignal,
): Promise<void> {
  const stop = new AbortController();
  const added = new Promise<void>((resolve) => backlog.onAddition(resolve));
  const onAbort = (): void => stop.abort(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  await Promise.race([added, sleep(clock, idleMs, stop.signal).catch(() => {})]);
  signal.removeEventListener("abort", onAbort);
  stop.abort(new ClusterFailure("retry", "woken"));
}
