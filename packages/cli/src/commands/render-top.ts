import type { OperationRates, TopReport } from "../top/measure-top.ts";
import { formatBytes, formatTable, formatTime } from "./format-values.ts";

/** `kakera top` for people: what this node does now. */
export function renderTop(report: TopReport): string[] {
  const { total, inFlight, eventLoopLagMs } = report;
  const now = [
    `${rate(total.requestsPerSecond)} requests/s`,
    ...(inFlight === null ? [] : [`${inFlight} in flight`]),
    `${formatBytes(report.receivedBytesPerSecond)}/s in`,
    `${formatBytes(report.sentBytesPerSecond)}/s out`,
    `p50 ${milliseconds(total.p50Ms)}`,
    `p99 ${milliseconds(total.p99Ms)}`,
    ...(eventLoopLagMs === null ? [] : [`event loop ${milliseconds(eventLoopLagMs)}`]),
  ];
  return [
    `${report.endpoint}  ${formatTime(report.atMs)}  (this node, over ${(report.intervalMs / 1000).toFixed(1)} s)`,
    now.join("  "),
    "",
    ...renderOperations(report),
    ...renderDrives(report),
  ];
}

function renderOperations({ operations, total }: TopReport): string[] {
  if (operations.length === 0) return ["no requests"];
  const head = ["OPERATION", "PER SECOND", "P50", "P99", "REFUSED/S", "FAILED/S"];
  const row = (name: string, rates: OperationRates): string[] => [
    name,
    rate(rates.requestsPerSecond),
    milliseconds(rates.p50Ms),
    milliseconds(rates.p99Ms),
    rate(rates.refusedPerSecond),
    rate(rates.failedPerSecond),
  ];
  const rows = operations.map(({ operation, ...rates }) => row(operation, rates));
  return formatTable([head, ...rows, row("all", total)], [1, 2, 3, 4, 5]);
}

function renderDrives({ drives }: TopReport): string[] {
  if (drives.length === 0) return [];
  const head = ["DRIVE", "STATE", "READ/S", "WRITTEN/S", "SYNCS/S", "SYNC P50", "SYNC P99"];
  const rows = drives.map((drive) => [
    drive.place,
    drive.condition,
    formatBytes(drive.readBytesPerSecond),
    formatBytes(drive.writtenBytesPerSecond),
    rate(drive.syncsPerSecond),
    milliseconds(drive.syncP50Ms),
    milliseconds(drive.syncP99Ms),
  ]);
  return ["", ...formatTable([head, ...rows], [2, 3, 4, 5, 6])];
}

function rate(perSecond: number): string {
  return perSecond >= 100 || perSecond === 0 ? perSecond.toFixed(0) : perSecond.toFixed(1);
}

/** "-": nothing to tell. */
function milliseconds(value: number | null): string {
  if (value === null) return "-";
  return `${value >= 100 ? value.toFixed(0) : value.toFixed(1)} ms`;
}
