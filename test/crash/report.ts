import type { CrashReport } from "./cycles.ts";

/** The outcome in lines for a person. */
export function describeReport(report: CrashReport): string[] {
  const sorted = report.recoveryMs.toSorted((a, b) => a - b);
  const at = (fraction: number): string =>
    (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * fraction))] ?? 0).toFixed(0);
  return [
    `${report.cycleCount} cycles, ${report.acknowledgedCount} acknowledged changes, ${report.unavailableCount} answered 503, ${report.checkedCount} values checked, ${report.violations.length} violations`,
    `from spawn to ready after a kill: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`,
    ...[...report.failpointHits].map(([name, count]) => `failpoint ${name}: ${count}`),
    ...report.violations.slice(0, 20),
  ];
}
