import { SECOND_MS } from "@kakera/kernel";
import type { DriveReport } from "../admin/status-report.ts";
import { histogramQuantile, type CumulativeCounts } from "./histogram-quantile.ts";
import { outcomeOf, type Outcome } from "./outcome-of.ts";
import { parseSamples, type Sample } from "./parse-samples.ts";

/** What one node did in one interval. Figures that cannot be told are null. */
export interface TopReport {
  readonly kind: "top";
  readonly version: 1;
  readonly endpoint: string;
  readonly atMs: number;
  readonly intervalMs: number;
  readonly total: OperationRates;
  readonly receivedBytesPerSecond: number;
  readonly sentBytesPerSecond: number;
  /** Requests that are being served now; null: the server does not count them. */
  readonly inFlight: number | null;
  readonly eventLoopLagMs: number | null;
  /** Those that were asked for in the interval, the busiest first. */
  readonly operations: readonly (OperationRates & { readonly operation: string })[];
  /** Those that this node has open. */
  readonly drives: readonly DriveRates[];
}

export interface OperationRates {
  readonly requestsPerSecond: number;
  /** Answered with a client error: a missing key, a failed condition, a wrong signature. */
  readonly refusedPerSecond: number;
  /** Answered with a server error, or broken off. */
  readonly failedPerSecond: number;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
}

interface DriveRates {
  readonly driveId: string;
  readonly place: string;
  readonly condition: string;
  readonly readBytesPerSecond: number;
  readonly writtenBytesPerSecond: number;
  readonly syncsPerSecond: number;
  readonly syncP50Ms: number | null;
  readonly syncP99Ms: number | null;
}

const metric = {
  requests: "kakera_s3_requests_total",
  durations: "kakera_s3_request_duration_seconds_bucket",
  bytes: "kakera_s3_bytes_total",
  inFlight: "kakera_s3_requests_in_flight",
  lag: "kakera_event_loop_lag_seconds",
  driveRead: "kakera_drive_read_bytes_total",
  driveWritten: "kakera_drive_written_bytes_total",
  driveSyncs: "kakera_drive_fdatasync_duration_seconds_bucket",
} as const;
const names: ReadonlySet<string> = new Set(Object.values(metric));
/** Not S3: probes, scrapes, and commands like this one. */
const notS3 = new Set(["Health", "Metrics", "Admin"]);

export interface Scrape {
  readonly atMs: number;
  readonly samples: ReadonlyMap<string, readonly Sample[]>;
}

export function readScrape(text: string, atMs: number): Scrape {
  return { atMs, samples: parseSamples(text, names) };
}

/** The difference of two scrapes of one node. A counter that fell began anew with the server: it counts from zero. */
export function measureTop(
  [before, after]: readonly [Scrape, Scrape],
  about: { readonly endpoint: string; readonly drives: readonly DriveReport[] },
): TopReport {
  const intervalMs = Math.max(1, after.atMs - before.atMs);
  const grown = new Map([...names].map((name) => [name, growth(before, after, name)]));
  const of = (name: string): readonly Sample[] => grown.get(name) ?? [];
  const perSecond = (amount: number): number => (amount * SECOND_MS) / intervalMs;
  const sum = (name: string, matches: (labels: Sample["labels"]) => boolean): number =>
    of(name).reduce((total, sample) => (matches(sample.labels) ? total + sample.value : total), 0);
  const rates = (matches: (labels: Sample["labels"]) => boolean): OperationRates => {
    const counts = cumulative(of(metric.durations), matches);
    const kindIs = (kind: Outcome) => (labels: Sample["labels"]) =>
      matches(labels) && outcomeOf(labels.get("code") ?? "") === kind;
    return {
      requestsPerSecond: perSecond(sum(metric.requests, matches)),
      refusedPerSecond: perSecond(sum(metric.requests, kindIs("refused"))),
      failedPerSecond: perSecond(sum(metric.requests, kindIs("failed"))),
      p50Ms: inMs(histogramQuantile(counts, 0.5)),
      p99Ms: inMs(histogramQuantile(counts, 0.99)),
    };
  };
  const operations = new Set(of(metric.requests).map(({ labels }) => labels.get("operation") ?? ""));
  return {
    kind: "top",
    version: 1,
    endpoint: about.endpoint,
    atMs: after.atMs,
    intervalMs,
    total: rates((labels) => !notS3.has(labels.get("operation") ?? "")),
    receivedBytesPerSecond: perSecond(sum(metric.bytes, (labels) => labels.get("direction") === "in")),
    sentBytesPerSecond: perSecond(sum(metric.bytes, (labels) => labels.get("direction") === "out")),
    inFlight: latest(after, metric.inFlight),
    eventLoopLagMs: inMs(latest(after, metric.lag)),
    operations: [...operations]
      .filter((operation) => !notS3.has(operation))
      .map((operation) => ({ operation, ...rates((labels) => labels.get("operation") === operation) }))
      .filter(({ requestsPerSecond }) => requestsPerSecond > 0)
      .sort((a, b) => b.requestsPerSecond - a.requestsPerSecond),
    drives: about.drives
      .filter(({ node, driveId }) => node === null && driveId !== "")
      .map(({ driveId, place, condition }) => {
        const isIts = (labels: Sample["labels"]): boolean => labels.get("drive") === driveId;
        const syncs = cumulative(of(metric.driveSyncs), isIts);
        return {
          driveId,
          place,
          condition,
          readBytesPerSecond: perSecond(sum(metric.driveRead, isIts)),
          writtenBytesPerSecond: perSecond(sum(metric.driveWritten, isIts)),
          syncsPerSecond: perSecond(syncs.at(-1)?.[1] ?? 0),
          syncP50Ms: inMs(histogramQuantile(syncs, 0.5)),
          syncP99Ms: inMs(histogramQuantile(syncs, 0.99)),
        };
      }),
  };
}

function growth(before: Scrape, after: Scrape, name: string): Sample[] {
  const earlier = new Map((before.samples.get(name) ?? []).map((sample) => [keyOf(sample), sample.value]));
  return (after.samples.get(name) ?? []).map((sample) => {
    const was = earlier.get(keyOf(sample)) ?? 0;
    return { ...sample, value: sample.value >= was ? sample.value - was : sample.value };
  });
}

function keyOf({ labels }: Sample): string {
  return [...labels].map(([name, value]) => `${name}=${value}`).join("\u0000");
}

function cumulative(samples: readonly Sample[], matches: (labels: Sample["labels"]) => boolean): CumulativeCounts {
  const counts = new Map<number, number>();
  for (const { labels, value } of samples) {
    if (!matches(labels)) continue;
    const bound = labels.get("le") === "+Inf" ? Number.POSITIVE_INFINITY : Number(labels.get("le"));
    counts.set(bound, (counts.get(bound) ?? 0) + value);
  }
  return [...counts].sort(([a], [b]) => a - b);
}

function latest(scrape: Scrape, name: string): number | null {
  const samples = scrape.samples.get(name);
  return samples === undefined ? null : samples.reduce((sum, { value }) => sum + value, 0);
}

function inMs(seconds: number | null): number | null {
  return seconds === null ? null : seconds * SECOND_MS;
}
