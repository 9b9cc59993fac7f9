import type { LoadResult } from "@kakera/load";
import { formatBytes, formatTable } from "./format-values.ts";

export interface MeasuredLoad extends LoadResult {
  /** Of one core: what this command itself took while it measured. */
  readonly clientBusyShare: number;
}

/** From here on the command is what is measured. */
const busyShareMax = 0.9;

/** `kakera bench` for people. */
export function renderLoads(loads: readonly MeasuredLoad[]): string[] {
  const head = ["OPERATION", "SIZE", "AT A TIME", "PER SECOND", "BYTES/S", "P50", "P99", "FAILED", "WRONG", ""];
  const rows = loads.map((load) => [
    load.operation,
    formatBytes(load.sizeBytes),
    String(load.concurrency),
    load.requestsPerSecond.toFixed(load.requestsPerSecond < 100 ? 1 : 0),
    `${load.mebibytesPerSecond.toFixed(1)} MiB`,
    `${load.p50Ms.toFixed(2)} ms`,
    `${load.p99Ms.toFixed(2)} ms`,
    String(load.errorCount),
    String(load.wrongCount),
    load.clientBusyShare > busyShareMax ? "*" : "",
  ]);
  const isClientBound = loads.some(({ clientBusyShare }) => clientBusyShare > busyShareMax);
  return [
    ...formatTable([head, ...rows], [1, 2, 3, 4, 5, 6, 7, 8]),
    ...(isClientBound ? ["* this command took all of a core itself: the server may do more, for several clients"] : []),
  ];
}
