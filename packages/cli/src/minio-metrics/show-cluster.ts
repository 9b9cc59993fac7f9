import { countNodes } from "../compose/state-metrics.ts";
import type { PoolStrength } from "../compose/judge-pools.ts";
import type { PromMeter } from "../drivers/prom-meter.ts";
import { sizeRanges } from "../survey/survey-tally.ts";
import type { MinioMetricsSources } from "./show-minio-metrics.ts";

/** What is true of the whole cluster: every node tells it. */
export function showCluster(metrics: PromMeter, { state, survey, clock }: MinioMetricsSources): void {
  const gauge = (name: string, help: string, value: () => number): void =>
    metrics.table({ name, help }, () => [{ labels: {}, value: value() }]);
  const raw = (field: "totalBytes" | "freeBytes"): number =>
    state.drives().reduce((sum, drive) => sum + drive[field], 0);
  const usable = (field: "totalBytes" | "freeBytes"): number => {
    const { k, m } = state.geometry();
    return Math.floor((raw(field) * k) / (k + m));
  };
  const online = (): number =>
    state.drives().filter(({ condition }) => condition !== "offline" && condition !== "failed").length;
  gauge("minio_cluster_capacity_raw_total_bytes", "bytes of all drives", () => raw("totalBytes"));
  gauge("minio_cluster_capacity_raw_free_bytes", "free bytes of all drives", () => raw("freeBytes"));
  gauge("minio_cluster_capacity_usable_total_bytes", "bytes of data that all drives hold, without parity", () =>
    usable("totalBytes"),
  );
  gauge("minio_cluster_capacity_usable_free_bytes", "bytes of data for which there is room, without parity", () =>
    usable("freeBytes"),
  );
  gauge("minio_cluster_usage_total_bytes", "bytes of all objects", () => state.usage().sizeBytes);
  gauge("minio_cluster_usage_object_total", "objects", () => state.usage().objectCount);
  for (const name of ["minio_cluster_bucket_total", "minio_cluster_buckets_total"])
    gauge(name, "buckets", () => state.usage().bucketCount);
  gauge("minio_cluster_nodes_online_total", "nodes with drives that answer", () => countNodes(state.drives()).online);
  gauge(
    "minio_cluster_nodes_offline_total",
    "nodes with drives that do not answer",
    () => countNodes(state.drives()).offline,
  );
  gauge("minio_cluster_drive_total", "drives", () => state.drives().length);
  gauge("minio_cluster_drive_online_total", "drives that answer", online);
  gauge("minio_cluster_drive_offline_total", "drives that do not answer", () => state.drives().length - online());
  gauge("minio_cluster_write_quorum", "shards that a write needs", () => state.health().write.shardCount);
  gauge("minio_cluster_health_status", "1: writes are taken", () => Number(state.health().write.isMet));
  showSets(metrics, () => state.pools());
  metrics.table(
    {
      name: "minio_cluster_objects_size_distribution",
      help: "objects by size, as the last walk over all objects found them",
      labels: ["range"],
    },
    () => {
      const { report } = survey;
      return report === null ? [] : rangesOf(sumRanges([...report.objectsBySize.values()]));
    },
  );
  const since = (name: string, help: string, endedMs: () => number | null): void =>
    metrics.table({ name, help }, () => {
      const ended = endedMs();
      return ended === null ? [] : [{ labels: {}, value: Math.max(0, clock.nowMs() - ended) * 1e6 }];
    });
  since(
    "minio_usage_last_activity_nano_seconds",
    "time since the last walk over all objects",
    () => survey.report?.endedMs ?? null,
  );
  metrics.table(
    {
      name: "minio_heal_time_last_activity_nano_seconds",
      help: "time since a shard was last made anew by this node; absent until then",
    },
    async () =>
      (await metrics.values("kakera_repair_last_activity_timestamp_seconds")).map(({ value }) => ({
        labels: {},
        value: Math.max(0, clock.nowMs() - value * 1000) * 1e6,
      })),
  );
}

/** A pool's weakest placement group stands for MinIO's erasure sets: of groups there are hundreds, over the same drives. */
function showSets(metrics: PromMeter, pools: () => readonly PoolStrength[]): void {
  const ofSet = (name: string, help: string, value: (pool: PoolStrength) => number): void =>
    metrics.table({ name: `minio_cluster_health_erasure_set_${name}`, help, labels: ["pool", "set"] }, () =>
      pools().map((pool) => ({ labels: { pool: String(pool.pool - 1), set: "0" }, value: value(pool) })),
    );
  ofSet("online_drives", "drives that answer, of the placement group that has fewest", (pool) => pool.homesOnlineMin);
  ofSet("read_quorum", "shards that a read needs", ({ geometry }) => geometry.k);
  ofSet("write_quorum", "shards that a write needs", ({ geometry }) => geometry.k);
  ofSet(
    "healing_drives",
    "drives that may still lack what was written while they were away",
    (pool) => pool.behindCount,
  );
  ofSet("status", "1: every placement group can be read", ({ homesOnlineMin, geometry }) =>
    Number(homesOnlineMin >= geometry.k),
  );
}

function sumRanges(counts: readonly (readonly number[])[]): number[] {
  return sizeRanges.map((_, at) => counts.reduce((sum, ofBucket) => sum + (ofBucket[at] ?? 0), 0));
}

/** MinIO's older dashboards ask for the ranges from 1 KiB to 1 MiB as one, so that it tells both. */
export function rangesOf(counts: readonly number[]): { labels: { range: string }; value: number }[] {
  const rows = sizeRanges.map(({ name }, at) => ({ labels: { range: name }, value: counts[at] ?? 0 }));
  const kilobytes = counts.slice(1, 5).reduce((sum, count) => sum + count, 0);
  return [...rows, { labels: { range: "BETWEEN_1024B_AND_1_MB" }, value: kilobytes }];
}
