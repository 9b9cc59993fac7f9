import type { PhaseFigures } from "./calls.ts";
import type { DiskFigures } from "./replay.ts";

const header = ["phase", "seconds", "req/s", "MB/s in", "MB/s out", "p50 ms", "p99 ms", "requests", "retries"];

export function phaseHeader(): string {
  return row(header);
}

export function phaseRow(figures: PhaseFigures): string {
  const { phase, seconds, requests, bytesWritten, bytesRead, p50Ms, p99Ms, retries } = figures;
  const rate = (bytes: number): string => (bytes / seconds / 1e6).toFixed(0);
  return row([
    phase,
    seconds.toFixed(2),
    (requests / seconds).toFixed(0),
    rate(bytesWritten),
    rate(bytesRead),
    p50Ms.toFixed(2),
    p99Ms.toFixed(2),
    String(requests),
    String(retries),
  ]);
}

export function totalRow(phases: readonly PhaseFigures[]): string {
  const sum = (of: (figures: PhaseFigures) => number): number =>
    phases.reduce((total, figures) => total + of(figures), 0);
  const [seconds, written, read] = [sum((p) => p.seconds), sum((p) => p.bytesWritten), sum((p) => p.bytesRead)];
  return `total: ${seconds.toFixed(1)} s, ${sum((p) => p.requests)} requests, ${gigabytes(written)} written, ${gigabytes(read)} read`;
}

export function diskRow(figures: DiskFigures): string {
  const { bytesAtStart, bytesBeforeCollection, bytesAfterCollection, liveBytes } = figures;
  const ratio = ((bytesAfterCollection - bytesAtStart) / liveBytes).toFixed(2);
  return `on disk: ${gigabytes(bytesAtStart)} at the start, ${gigabytes(bytesBeforeCollection)} before the collection, ${gigabytes(bytesAfterCollection)} after it (growth ${ratio}x the ${gigabytes(liveBytes)} of live objects)`;
}

function row(cells: readonly string[]): string {
  return cells.map((cell, index) => (index === 0 ? cell.padEnd(18) : cell.padStart(9))).join(" ");
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(2)} GB`;
}
