import { AggregatorRegistry } from "prom-client";
import type { MetricRecord } from "./prom-meter.ts";

/** What is not to be added up; all else is, over the processes of a server. */
const aggregators: Readonly<Record<string, string>> = {
  process_start_time_seconds: "first",
  process_max_fds: "first",
  nodejs_version_info: "first",
  minio_node_process_starttime_seconds: "first",
  kakera_event_loop_lag_seconds: "max",
  kakera_node_up: "min",
};

/** The figures of several processes as one process' own. The first one's count where they cannot be added. */
export class MetricsMerger {
  /** What processes had counted that are no more: a counter that fell would be taken for one that began anew. */
  #retired: readonly (readonly MetricRecord[])[] = [];

  /** What a process had measured that is no more. */
  retire(records: readonly MetricRecord[]): void {
    const counted = records.filter(({ type }) => type === "counter" || type === "histogram");
    if (counted.length > 0) this.#retired = [...this.#retired, counted];
  }

  async text(processes: readonly (readonly MetricRecord[])[]): Promise<string> {
    const retired = this.#retired;
    const text = await registryOf([...processes, ...retired]).metrics();
    const merged = await merge(retired);
    this.#retired = [merged, ...this.#retired.slice(retired.length)];
    return text;
  }
}

async function merge(lists: readonly (readonly MetricRecord[])[]): Promise<MetricRecord[]> {
  return (await registryOf(lists).getMetricsAsJSON()) as unknown as MetricRecord[];
}

function registryOf(lists: readonly (readonly MetricRecord[])[]): ReturnType<typeof AggregatorRegistry.aggregate> {
  const ruled = lists.map((records) => records.map((record) => ({ ...record, aggregator: aggregatorOf(record) })));
  return AggregatorRegistry.aggregate(ruled as unknown as Parameters<typeof AggregatorRegistry.aggregate>[0]);
}

function aggregatorOf({ name, aggregator }: MetricRecord): string {
  const ruled = aggregators[name];
  if (ruled !== undefined) return ruled;
  if (name.startsWith("nodejs_eventloop_lag_")) return "max";
  return aggregator === "omit" ? "first" : aggregator;
}
