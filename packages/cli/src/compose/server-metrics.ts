import type { PromMeter } from "../drivers/prom-meter.ts";
import type { ServerState } from "./server-state.ts";

/** A scrape names so many buckets at most. */
const bucketsMax = 1000;

/** What the composition itself measures: contract.md section 8. */
export function measureServer(
  metrics: PromMeter,
  sources: { readonly state: ServerState; readonly eventLoopLagSeconds: () => number },
): void {
  const lag = metrics.meter.gauge({
    name: "kakera_event_loop_lag_seconds",
    help: "99th percentile of how long the process keeps its callers waiting",
  });
  metrics.meter.onCollect(() => lag.set(sources.eventLoopLagSeconds()));
  const rows = (value: (bucket: ReturnType<ServerState["buckets"]>[number]) => number) => () =>
    sources.state
      .buckets()
      .slice(0, bucketsMax)
      .map((bucket) => ({ labels: { bucket: bucket.name }, value: value(bucket) }));
  metrics.table(
    { name: "kakera_bucket_usage_bytes", help: "bytes of a bucket's current objects", labels: ["bucket"] },
    rows((bucket) => bucket.sizeBytes),
  );
  metrics.table(
    { name: "kakera_bucket_objects", help: "current objects of a bucket", labels: ["bucket"] },
    rows((bucket) => bucket.objectCount),
  );
}
