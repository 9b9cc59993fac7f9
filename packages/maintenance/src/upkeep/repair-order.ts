import { commitUntilDecided, keys, type View } from "@kakera/metadata";
import { newId, SECOND_MS } from "@kakera/kernel";
import { records } from "@kakera/protocol";
import type { MaintenanceParts } from "../maintenance-parts.ts";

/** `pause` lasts until `resume` or `now`, over restarts; `now` counts everything and mends what waits, at once. */
export type RepairOrder = "pause" | "resume" | "now";

export interface StandingOrder {
  readonly isPaused: boolean;
  /** Another one for each order that was given; 0: none was. */
  readonly revision: number;
}

export function readRepairOrder(view: View): StandingOrder {
  const row = view.get(keys.repairOrder());
  if (row === null) return { isPaused: false, revision: 0 };
  return { isPaused: records.RepairOrder.decode(row.value).isPaused, revision: row.revision };
}

const deadlineMs = 10 * SECOND_MS;

/** Gives an order to whoever leads, now or later. Rejects with ClusterFailure `retry` when the log does not take it. */
export async function giveRepairOrder(
  parts: Pick<MaintenanceParts, "log" | "clock" | "random">,
  order: RepairOrder,
): Promise<void> {
  const { log, clock } = parts;
  const key = keys.repairOrder();
  const value = records.RepairOrder.encode({ isPaused: order === "pause", givenMs: clock.nowMs() }).finish();
  await log.barrier();
  await commitUntilDecided({ ...parts, deadlineMs: clock.monotonicMs() + deadlineMs }, () => ({
    change: {
      id: newId("change", parts.random),
      purpose: "free",
      compares: [{ key, revision: log.view.get(key)?.revision ?? 0 }],
      puts: [{ key, value }],
      deletes: [],
    },
    answer: () => undefined,
  }));
}
