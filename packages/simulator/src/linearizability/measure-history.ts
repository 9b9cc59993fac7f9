import type { ClientOperation } from "./history.ts";

export interface HistoryMeasures {
  readonly operationCount: number;
  /** Without an outcome. */
  readonly openCount: number;
  /** Of the operations on one key: the share that was under way while another one on the same key was, in [0, 1]. */
  readonly overlapShare: number;
  /** By what was asked for and what was answered, such as `put absent refused`. */
  readonly counts: ReadonlyMap<string, number>;
}

/** What a history is worth: one without overlaps, or in which a condition always holds, proves little. */
export function measureHistory(operations: readonly ClientOperation[]): HistoryMeasures {
  const counts = new Map<string, number>();
  const byKey = new Map<string, ClientOperation[]>();
  let openCount = 0;
  for (const operation of operations) {
    if (operation.returnAt === Infinity) openCount++;
    const name = nameOf(operation);
    counts.set(name, (counts.get(name) ?? 0) + 1);
    // An operation without an outcome would overlap all that comes after it: that would be too easy.
    if (operation.kind === "list" || operation.returnAt === Infinity) continue;
    const ofKey = byKey.get(operation.key);
    if (ofKey === undefined) byKey.set(operation.key, [operation]);
    else ofKey.push(operation);
  }
  let [overlapping, all] = [0, 0];
  for (const ofKey of byKey.values()) {
    overlapping += countOverlapping(ofKey);
    all += ofKey.length;
  }
  return { operationCount: operations.length, openCount, overlapShare: all === 0 ? 0 : overlapping / all, counts };
}

function nameOf(operation: ClientOperation): string {
  const end = operation.returnAt === Infinity ? "open" : null;
  switch (operation.kind) {
    case "put": {
      const asked =
        operation.condition === null ? "put" : operation.condition === "absent" ? "put absent" : "put match";
      return `${asked} ${end ?? operation.outcome}`;
    }
    case "delete":
      return `delete ${end ?? "done"}`;
    case "read":
      return operation.seen === null ? "read nothing" : "read";
    case "list":
      return "list";
  }
}

function countOverlapping(operations: readonly ClientOperation[]): number {
  const inTime = operations.toSorted((a, b) => a.callAt - b.callAt);
  let [count, latestReturnAt] = [0, -Infinity];
  for (const [index, operation] of inTime.entries()) {
    const next = inTime[index + 1];
    const withNext = next !== undefined && next.callAt < operation.returnAt;
    if (withNext || operation.callAt < latestReturnAt) count++;
    latestReturnAt = Math.max(latestReturnAt, operation.returnAt);
  }
  return count;
}
