import { histogramQuantile } from "../top/histogram-quantile.ts";

/** What all processes of a server have counted since they started. */
export interface ActivityTotals {
  readonly requestCount: number;
  /** Answers that blame the server: 5xx, and answers that broke off. */
  readonly failureCount: number;
  /** Answers that blame the client: 4xx. */
  readonly refusalCount: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  /** Requests by how long they took, as a histogram's buckets: upper bound in seconds to the number of all up to it. */
  readonly durations: ReadonlyMap<number, number>;
}

/** One interval of a server's work, as `/kakera/admin/v1/activity` tells it. */
export interface ActivitySample extends Omit<ActivityTotals, "durations"> {
  /** Its end, in milliseconds since the epoch. */
  readonly atMs: number;
  readonly lengthMs: number;
  /** In proportion within the histogram's buckets; null: nothing was asked, or it lies beyond them. */
  readonly p50Seconds: number | null;
  readonly p99Seconds: number | null;
}

export interface ActivityReport {
  readonly kind: "activity";
  readonly version: 1;
  readonly intervalMs: number;
  readonly samples: readonly ActivitySample[];
}

export const activityIntervalMs = 5_000;
/** An hour of them. */
const samplesMax = 720;

/** The last hour of a server's work, for charts without another program. Samples are differences of what instruments have counted. */
export class ActivityRing {
  readonly #samples: ActivitySample[] = [];
  #last: { readonly atMs: number; readonly totals: ActivityTotals } | null = null;

  note(atMs: number, totals: ActivityTotals): void {
    const last = this.#last;
    this.#last = { atMs, totals };
    // A clock that was set back has no interval.
    if (last === null || atMs <= last.atMs) return;
    this.#samples.push({ atMs, lengthMs: atMs - last.atMs, ...difference(last.totals, totals) });
    if (this.#samples.length > samplesMax) this.#samples.shift();
  }

  /** Those that ended after `sinceMs`. */
  report(sinceMs: number): ActivityReport {
    const samples = this.#samples.filter(({ atMs }) => atMs > sinceMs);
    return { kind: "activity", version: 1, intervalMs: activityIntervalMs, samples };
  }
}

function difference(before: ActivityTotals, after: ActivityTotals): Omit<ActivitySample, "atMs" | "lengthMs"> {
  // What a process had counted that died is not in the totals any more.
  const grown = (from: number, to: number): number => Math.max(0, to - from);
  const bounds = [...after.durations.keys()].sort((a, b) => a - b);
  const counts = bounds.map(
    (bound) => [bound, grown(before.durations.get(bound) ?? 0, after.durations.get(bound) ?? 0)] as const,
  );
  return {
    requestCount: grown(before.requestCount, after.requestCount),
    failureCount: grown(before.failureCount, after.failureCount),
    refusalCount: grown(before.refusalCount, after.refusalCount),
    receivedBytes: grown(before.receivedBytes, after.receivedBytes),
    sentBytes: grown(before.sentBytes, after.sentBytes),
    p50Seconds: histogramQuantile(counts, 0.5),
    p99Seconds: histogramQuantile(counts, 0.99),
  };
}
