import type { MeterRow, PromMeter } from "../drivers/prom-meter.ts";
import { version } from "../version.ts";
import type { MinioMetricsSources } from "./show-minio-metrics.ts";

export interface ProcessIo {
  readonly readBytes: number;
  readonly writtenBytes: number;
  readonly readCalls: number;
  readonly writeCalls: number;
  /** Of these, what went to and came from the devices below the page cache. */
  readonly deviceReadBytes: number;
  readonly deviceWrittenBytes: number;
}

/** What the process, the system and the walks over all objects count on this node. */
export function showProcess(metrics: PromMeter, { server, processIo, survey, clock }: MinioMetricsSources): void {
  const labels = { server };
  const table = (name: string, help: string, rows: () => MeterRow[] | Promise<MeterRow[]>, kind?: "counter"): void =>
    metrics.table({ name, help, labels: ["server"], ...(kind === undefined ? {} : { kind }) }, rows);
  const copy = (name: string, source: string, help: string, convert = (value: number): number => value): void =>
    table(name, help, async () =>
      (await metrics.values(source)).map(({ value }) => ({ labels, value: convert(value) })),
    );
  const started = "process_start_time_seconds";
  copy("minio_node_process_starttime_seconds", started, "when the process started");
  copy("minio_node_process_uptime_seconds", started, "how long it runs", (value) =>
    Math.max(0, clock.nowMs() / 1000 - value),
  );
  copy("minio_node_process_resident_memory_bytes", "process_resident_memory_bytes", "memory in use");
  copy("minio_node_process_cpu_total_seconds", "process_cpu_seconds_total", "processor time used");
  copy("minio_node_file_descriptor_open_total", "process_open_fds", "open files");
  copy("minio_node_file_descriptor_limit_total", "process_max_fds", "files that may be open");
  copy(
    "minio_node_go_routine_total",
    "nodejs_active_resources_total",
    "what the event loop waits for: Node has no goroutines",
  );
  table("minio_node_io_rchar_bytes", "bytes read by the process", () => ofIo(({ readBytes }) => readBytes), "counter");
  const io = (name: string, help: string, value: (io: ProcessIo) => number): void =>
    table(name, help, () => ofIo(value), "counter");
  io("minio_node_io_wchar_bytes", "bytes written by the process", ({ writtenBytes }) => writtenBytes);
  io("minio_node_io_read_bytes", "bytes that the process read from devices", ({ deviceReadBytes }) => deviceReadBytes);
  io("minio_node_io_write_bytes", "bytes that the process wrote to devices", (now) => now.deviceWrittenBytes);
  io("minio_node_syscall_read_total", "read calls of the process", ({ readCalls }) => readCalls);
  io("minio_node_syscall_write_total", "write calls of the process", ({ writeCalls }) => writeCalls);
  const walked = (name: string, help: string, value: () => number): void =>
    table(`minio_node_scanner_${name}`, help, () => [{ labels, value: value() }], "counter");
  walked("objects_scanned", "objects that walks over all objects have looked at", () => survey.counts.objects);
  walked("bucket_scans_started", "buckets that walks have begun", () => survey.counts.bucketsStarted);
  walked("bucket_scans_finished", "buckets that walks have ended", () => survey.counts.bucketsFinished);
  const traffic = (name: string, help: string, direction: string): void =>
    table(
      `minio_inter_node_traffic_${name}_bytes`,
      help,
      async () =>
        (await metrics.values("kakera_node_bytes_total"))
          .filter((row) => row.labels["direction"] === direction)
          .map(({ value }) => ({ labels, value })),
      "counter",
    );
  traffic("sent", "bytes sent to other nodes", "out");
  traffic("received", "bytes received from other nodes", "in");
  table(
    "minio_inter_node_traffic_errors_total",
    "calls to other nodes that failed; absent until one did",
    async () => {
      const rows = await metrics.values("kakera_node_calls_failed_total");
      return rows.length === 0 ? [] : [{ labels, value: rows.reduce((sum, { value }) => sum + value, 0) }];
    },
    "counter",
  );
  metrics.table(
    { name: "minio_software_version_info", help: "1; the version of the program", labels: ["server", "version"] },
    () => [{ labels: { server, version }, value: 1 }],
  );

  function ofIo(value: (io: ProcessIo) => number): MeterRow[] {
    const now = processIo();
    return now === null ? [] : [{ labels, value: value(now) }];
  }
}
