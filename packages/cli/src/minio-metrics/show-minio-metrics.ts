import { s3Errors, type S3ErrorCode } from "@kakera/s3";
import type { MeterRow, PromMeter } from "../drivers/prom-meter.ts";
import type { ServerState } from "./server-state.ts";

export interface MinioMetricsSources {
  readonly state: ServerState;
  /** host:port, the label of everything that a node counts. */
  readonly server: string;
  /** Bytes and calls of the process' file I/O; null where the system does not say. */
  readonly processIo: () => ProcessIo | null;
}

export interface ProcessIo {
  readonly readBytes: number;
  readonly writtenBytes: number;
  readonly readCalls: number;
  readonly writeCalls: number;
}

/** One machine is one erasure set of one pool, in MinIO's words. */
const set = { pool: "0", set: "0" };
const bucketsMax = 1000;

/**
 * What dashboards and alerts written for MinIO ask for, by the names that they use, out of the same figures: they fill after
 * their target was changed. What has no counterpart here (scanner, KMS) is not made up.
 */
export function showMinioMetrics(metrics: PromMeter, sources: MinioMetricsSources): void {
  showCluster(metrics, sources);
  showBuckets(metrics, sources);
  showMinioRequests(metrics, sources.server);
  showProcess(metrics, sources);
}

function showCluster(metrics: PromMeter, { state, server }: MinioMetricsSources): void {
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
  gauge("minio_cluster_bucket_total", "buckets", () => state.usage().bucketCount);
  gauge("minio_cluster_nodes_online_total", "nodes that answer", () => 1);
  gauge("minio_cluster_nodes_offline_total", "nodes that do not answer", () => 0);
  gauge("minio_cluster_drive_total", "drives", () => state.drives().length);
  gauge("minio_cluster_drive_online_total", "drives that answer", online);
  gauge("minio_cluster_drive_offline_total", "drives that do not answer", () => state.drives().length - online());
  gauge("minio_cluster_health_status", "1: writes are taken", () => Number(state.health().write.isMet));
  const ofSet = (name: string, help: string, value: () => number): void =>
    metrics.table({ name: `minio_cluster_health_erasure_set_${name}`, help, labels: ["pool", "set"] }, () => [
      { labels: set, value: value() },
    ]);
  ofSet("online_drives", "drives that answer", online);
  ofSet("read_quorum", "shards that a read needs", () => state.geometry().k);
  ofSet("write_quorum", "shards that a write needs", () => state.health().write.shardCount);
  ofSet("status", "1: writes are taken", () => Number(state.health().write.isMet));
  const ofDrives = (
    name: string,
    help: string,
    value: (drive: ReturnType<ServerState["drives"]>[number]) => number,
  ): void =>
    metrics.table({ name: `minio_node_drive_${name}`, help, labels: ["server", "drive"] }, () =>
      state.drives().map((drive) => ({ labels: { server, drive: drive.place }, value: value(drive) })),
    );
  ofDrives("total_bytes", "bytes of a drive", (drive) => drive.totalBytes);
  ofDrives("free_bytes", "free bytes of a drive", (drive) => drive.freeBytes);
  ofDrives("used_bytes", "used bytes of a drive", (drive) => drive.totalBytes - drive.freeBytes);
}

function showBuckets(metrics: PromMeter, { state }: MinioMetricsSources): void {
  const ofBuckets = (
    name: string,
    help: string,
    value: (bucket: ReturnType<ServerState["buckets"]>[number]) => number,
  ): void =>
    metrics.table({ name: `minio_bucket_${name}`, help, labels: ["bucket"] }, () =>
      state
        .buckets()
        .slice(0, bucketsMax)
        .map((bucket) => ({ labels: { bucket: bucket.name }, value: value(bucket) })),
    );
  ofBuckets("usage_total_bytes", "bytes of a bucket's objects", (bucket) => bucket.sizeBytes);
  ofBuckets("usage_object_total", "objects of a bucket", (bucket) => bucket.objectCount);
}

/** What every process of a server counts for itself. `server`: host:port. */
export function showMinioRequests(metrics: PromMeter, server: string): void {
  const requests = (name: string, help: string, isCounted: (status: number) => boolean): void =>
    metrics.table({ name, help, kind: "counter", labels: ["server", "api"] }, async () =>
      sumByOperation(await metrics.values("kakera_s3_requests_total"), { server, isCounted }),
    );
  requests("minio_s3_requests_total", "requests", () => true);
  requests(
    "minio_s3_requests_4xx_errors_total",
    "requests that the client got wrong",
    (status) => status >= 400 && status < 500,
  );
  requests("minio_s3_requests_5xx_errors_total", "requests that failed here", (status) => status >= 500);
  const traffic = (name: string, help: string, direction: string): void =>
    metrics.table({ name, help, kind: "counter", labels: ["server"] }, async () => {
      const rows = await metrics.values("kakera_s3_bytes_total");
      return rows
        .filter(({ labels }) => labels["direction"] === direction)
        .map(({ value }) => ({ labels: { server }, value }));
    });
  traffic("minio_s3_traffic_received_bytes", "bytes of bodies received", "in");
  traffic("minio_s3_traffic_sent_bytes", "bytes of bodies sent", "out");
}

/** Our codes are statuses or S3's error codes. */
function sumByOperation(
  rows: readonly MeterRow[],
  of: { readonly server: string; readonly isCounted: (status: number) => boolean },
): MeterRow[] {
  const sums = new Map<string, number>();
  for (const { labels, value } of rows) {
    const { operation = "", code = "" } = labels;
    const status = Number(code) || (s3Errors[code as S3ErrorCode]?.status ?? 0);
    if (of.isCounted(status)) sums.set(operation, (sums.get(operation) ?? 0) + value);
  }
  return [...sums].map(([operation, value]) => ({
    labels: { server: of.server, api: operation.toLowerCase() },
    value,
  }));
}

function showProcess(metrics: PromMeter, { server, processIo }: MinioMetricsSources): void {
  const copy = (name: string, source: string, help: string): void =>
    metrics.table({ name, help, labels: ["server"] }, async () =>
      (await metrics.values(source)).map(({ value }) => ({ labels: { server }, value })),
    );
  copy("minio_node_process_starttime_seconds", "process_start_time_seconds", "when the process started");
  copy("minio_node_process_resident_memory_bytes", "process_resident_memory_bytes", "memory in use");
  copy("minio_node_process_cpu_total_seconds", "process_cpu_seconds_total", "processor time used");
  copy("minio_node_file_descriptor_open_total", "process_open_fds", "open files");
  const io = (name: string, help: string, value: (io: ProcessIo) => number): void =>
    metrics.table({ name, help, kind: "counter", labels: ["server"] }, () => {
      const now = processIo();
      return now === null ? [] : [{ labels: { server }, value: value(now) }];
    });
  io("minio_node_io_rchar_bytes", "bytes read by the process", ({ readBytes }) => readBytes);
  io("minio_node_io_wchar_bytes", "bytes written by the process", ({ writtenBytes }) => writtenBytes);
  io("minio_node_syscall_read_total", "read calls of the process", ({ readCalls }) => readCalls);
  io("minio_node_syscall_write_total", "write calls of the process", ({ writeCalls }) => writeCalls);
}
