import { sleep, type Clock } from "@kakera/kernel";
import { activityIntervalMs, type ActivityRing, type ActivityTotals } from "../admin/activity-ring.ts";
import type { MeterRow } from "../drivers/prom-meter.ts";
import { outcomeOf } from "../top/outcome-of.ts";

/** Values of one instrument, of all processes. */
type Measured = (name: string) => Promise<readonly MeterRow[]>;

/** Notes what the server does, now and every few seconds. Ends when `signal` is aborted. */
export async function keepActivity(
  components: { readonly clock: Clock; readonly ring: ActivityRing; readonly measured: () => Promise<Measured> },
  signal: AbortSignal,
): Promise<void> {
  const { clock, ring } = components;
  while (!signal.aborted) {
    ring.note(clock.nowMs(), await readTotals(await components.measured()));
    await sleep(clock, activityIntervalMs, signal).catch(() => undefined);
  }
}

/** What is asked of the server beside S3: scrapes, probes, and the console's own questions. */
const besideS3 = new Set(["Health", "Metrics", "Admin"]);

async function readTotals(measured: Measured): Promise<ActivityTotals> {
  const requests = (await measured("kakera_s3_requests_total")).filter(isS3);
  const bytes = await measured("kakera_s3_bytes_total");
  const durations = new Map<number, number>();
  for (const { labels, value } of (await measured("kakera_s3_request_duration_seconds")).filter(isS3)) {
    const bound = labels["le"];
    if (bound === undefined) continue;
    const seconds = String(bound) === "+Inf" ? Infinity : Number(bound);
    durations.set(seconds, (durations.get(seconds) ?? 0) + value);
  }
  const outcomes = requests.map(({ labels, value }) => ({ outcome: outcomeOf(labels["code"] ?? ""), value }));
  const sum = (rows: readonly { readonly value: number }[]): number => rows.reduce((all, { value }) => all + value, 0);
  return {
    requestCount: sum(requests),
    failureCount: sum(outcomes.filter(({ outcome }) => outcome === "failed")),
    refusalCount: sum(outcomes.filter(({ outcome }) => outcome === "refused")),
    receivedBytes: sum(bytes.filter(({ labels }) => labels["direction"] === "in")),
    sentBytes: sum(bytes.filter(({ labels }) => labels["direction"] === "out")),
    durations,
  };
}

function isS3({ labels }: MeterRow): boolean {
  return !besideS3.has(labels["operation"] ?? "");
}
