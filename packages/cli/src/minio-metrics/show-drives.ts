import { MINUTE_MS, SECOND_MS } from "@kakera/kernel";
import type { DriveReport } from "../admin/status-report.ts";
import type { MeterRow, PromMeter } from "../drivers/prom-meter.ts";
import type { MinioMetricsSources } from "./show-minio-metrics.ts";

/** The drives of this node. */
export function showDrives(metrics: PromMeter, { state, server, clock }: MinioMetricsSources): void {
  const own = (): DriveReport[] => state.drives().filter(({ node }) => node === null);
  const isOnline = ({ condition }: DriveReport): boolean => condition !== "offline" && condition !== "failed";
  const count = (name: string, help: string, value: () => number): void =>
    metrics.table({ name: `minio_node_drive_${name}`, help, labels: ["server"] }, () => [
      { labels: { server }, value: value() },
    ]);
  count("total", "drives of this node", () => own().length);
  count("online_total", "drives of this node that answer", () => own().filter(isOnline).length);
  count(
    "offline_total",
    "drives of this node that do not answer",
    () => own().filter((drive) => !isOnline(drive)).length,
  );
  const ofDrives = (name: string, help: string, value: (drive: DriveReport) => number): void =>
    metrics.table({ name: `minio_node_drive_${name}`, help, labels: ["server", "drive"] }, () =>
      own()
        // What does not answer has no figures.
        .filter(({ condition }) => condition !== "offline")
        .map((drive) => ({ labels: { server, drive: drive.place }, value: value(drive) })),
    );
  ofDrives("total_bytes", "bytes of a drive", (drive) => drive.totalBytes);
  ofDrives("free_bytes", "free bytes of a drive", (drive) => drive.freeBytes);
  ofDrives("used_bytes", "used bytes of a drive", (drive) => drive.totalBytes - drive.freeBytes);
  /** What the drive engine counts, by the folder's name instead of the drive's. */
  const measured = (
    spec: { readonly name: string; readonly help: string; readonly kind?: "counter" },
    source: string,
    value: (row: MeterRow) => number | null,
  ): void =>
    metrics.table({ ...spec, name: `minio_node_drive_${spec.name}`, labels: ["server", "drive"] }, async () =>
      byPlace(own(), await metrics.values(source), value).map(({ place, value: sum }) => ({
        labels: { server, drive: place },
        value: sum,
      })),
    );
  measured(
    { name: "free_inodes", help: "files that may still be made, where there is a limit" },
    "kakera_drive_free_inodes",
    ({ value }) => value,
  );
  measured(
    { name: "io_waiting", help: "disk calls that have not ended" },
    "kakera_drive_calls_in_flight",
    ({ value }) => value,
  );
  const errors =
    (kinds: readonly string[]) =>
    ({ labels, value }: MeterRow): number | null =>
      kinds.includes(labels["kind"] ?? "") ? value : null;
  measured(
    { name: "errors_timeout", help: "disk calls that did not end in time", kind: "counter" },
    "kakera_drive_call_errors_total",
    errors(["timeout"]),
  );
  measured(
    {
      name: "errors_availability",
      help: "disk calls that failed as the drive was not there, or erred",
      kind: "counter",
    },
    "kakera_drive_call_errors_total",
    errors(["unavailable", "io"]),
  );
  showLatency(metrics, { own, server, nowMs: () => clock.monotonicMs() });
}

interface Synced {
  readonly seconds: number;
  readonly count: number;
}

/** Of synchronous writes alone: reads of small shards come out of the page cache, and nothing measures them one by one. */
function showLatency(
  metrics: PromMeter,
  of: { readonly own: () => DriveReport[]; readonly server: string; readonly nowMs: () => number },
): void {
  let earlier: { readonly atMs: number; readonly synced: ReadonlyMap<string, Synced> }[] = [];
  metrics.table(
    {
      name: "minio_node_drive_latency_us",
      help: "mean time of a synchronous write over about a minute of scrapes; absent when there was none",
      labels: ["server", "drive", "api"],
    },
    async () => {
      const rows = await metrics.values("kakera_drive_fdatasync_duration_seconds");
      const sum = (part: string): Map<string, number> =>
        new Map(
          rows.filter(({ part: its }) => its === part).map(({ labels, value }) => [labels["drive"] ?? "", value]),
        );
      const [seconds, counts] = [sum("sum"), sum("count")];
      const now = new Map([...counts].map(([drive, count]) => [drive, { count, seconds: seconds.get(drive) ?? 0 }]));
      // The youngest that is a minute old, and those after it.
      while (earlier.length > 1 && of.nowMs() - (earlier[1]?.atMs ?? 0) >= MINUTE_MS) earlier.shift();
      const before = earlier[0]?.synced;
      // However often somebody scrapes.
      if (of.nowMs() - (earlier.at(-1)?.atMs ?? Number.NEGATIVE_INFINITY) >= SECOND_MS)
        earlier = [...earlier, { atMs: of.nowMs(), synced: now }].slice(-snapshotsMax);
      return of.own().flatMap(({ driveId, place }) => {
        const after = now.get(driveId);
        const count = (after?.count ?? 0) - (before?.get(driveId)?.count ?? 0);
        if (after === undefined || count <= 0) return [];
        const meanSeconds = (after.seconds - (before?.get(driveId)?.seconds ?? 0)) / count;
        return [
          { labels: { server: of.server, drive: place, api: "fdatasync" }, value: Math.round(meanSeconds * 1e6) },
        ];
      });
    },
  );
}

/** One a second, for a minute. */
const snapshotsMax = MINUTE_MS / SECOND_MS;

function byPlace(
  drives: readonly DriveReport[],
  rows: readonly MeterRow[],
  value: (row: MeterRow) => number | null,
): { readonly place: string; readonly value: number }[] {
  return drives.flatMap(({ driveId, place }) => {
    const values = rows.filter(({ labels }) => labels["drive"] === driveId).map(value);
    const counted = values.filter((one) => one !== null);
    return counted.length === 0 ? [] : [{ place, value: counted.reduce((sum, one) => sum + one, 0) }];
  });
}
