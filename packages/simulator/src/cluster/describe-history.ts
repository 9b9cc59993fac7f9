import type { HistoryReport } from "./run-history.ts";

const eventsShown = 60;

/** A history that went wrong, for people: the seed, what was violated, the last that happened, and how to see it again. */
export function describeHistory(report: HistoryReport): string {
  const { seed, violations, lastEvents, traceHash } = report;
  return [
    `seed ${seed} (trace ${traceHash}):`,
    ...violations.map((violation) => `  VIOLATED ${violation}`),
    `  the last of its events, in milliseconds of its own time:`,
    ...lastEvents.slice(-eventsShown).map((line) => `    ${line}`),
    `  again: pnpm simulate --seed ${seed} --seeds 1`,
  ].join("\n");
}
