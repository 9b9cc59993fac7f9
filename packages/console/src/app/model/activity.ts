import type { SeenActivity } from "../../reports.ts";

type Sample = SeenActivity["samples"][number];

/** An hour, as the server keeps it. */
const samplesMax = 720;

/** New samples behind the old ones, those of the last hour. */
export function appended(known: readonly Sample[], report: SeenActivity): readonly Sample[] {
  const lastMs = known.at(-1)?.atMs ?? 0;
  return [...known, ...report.samples.filter(({ atMs }) => atMs > lastMs)].slice(-samplesMax);
}

/** Columns as uPlot takes them: seconds since the epoch, then values; null where nothing was measured. */
export interface ActivityColumns {
  readonly atSeconds: readonly number[];
  readonly requestsPerSecond: readonly number[];
  readonly failuresPerSecond: readonly number[];
  readonly refusalsPerSecond: readonly number[];
  readonly receivedPerSecond: readonly number[];
  readonly sentPerSecond: readonly number[];
  readonly p50Seconds: readonly (number | null)[];
  readonly p99Seconds: readonly (number | null)[];
}

export function columnsOf(samples: readonly Sample[]): ActivityColumns {
  const perSecond = (read: (sample: Sample) => number): number[] =>
    samples.map((sample) => (read(sample) * 1000) / sample.lengthMs);
  return {
    atSeconds: samples.map(({ atMs }) => atMs / 1000),
    requestsPerSecond: perSecond(({ requestCount }) => requestCount),
    failuresPerSecond: perSecond(({ failureCount }) => failureCount),
    refusalsPerSecond: perSecond(({ refusalCount }) => refusalCount),
    receivedPerSecond: perSecond(({ receivedBytes }) => receivedBytes),
    sentPerSecond: perSecond(({ sentBytes }) => sentBytes),
    p50Seconds: samples.map(({ p50Seconds }) => p50Seconds),
    p99Seconds: samples.map(({ p99Seconds }) => p99Seconds),
  };
}
