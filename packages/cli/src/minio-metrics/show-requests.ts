import { statusOfCode } from "@kakera/s3";
import type { MeterRow, PromMeter } from "../drivers/prom-meter.ts";

/** What every process of a server counts for itself. `server`: host:port. */
export function showMinioRequests(metrics: PromMeter, server: string): void {
  showAll(metrics, server);
  showOfBuckets(metrics);
}

/** null: the row of the source is not shown. What was counted and is none of those that are asked for is a zero. */
type Row = (row: MeterRow) => MeterRow | null;

function showAll(metrics: PromMeter, server: string): void {
  const requests = (name: string, help: string, isCounted: (code: string) => boolean): void =>
    metrics.table({ name: `minio_s3_requests_${name}`, help, kind: "counter", labels: ["server", "api"] }, async () => {
      const rows = await metrics.values("kakera_s3_requests_total");
      return sumBy(rows, ({ labels, value }) =>
        isS3(labels)
          ? { labels: { server, api: apiOf(labels) }, value: isCounted(labels["code"] ?? "") ? value : 0 }
          : null,
      );
    });
  requests("total", "requests", () => true);
  requests("errors_total", "requests that were not answered as they were asked", (code) => statusOf(code) >= 400);
  requests("4xx_errors_total", "requests that the client got wrong", (code) => Math.floor(statusOf(code) / 100) === 4);
  requests("5xx_errors_total", "requests that failed here", (code) => statusOf(code) >= 500);
  requests("canceled_total", "requests whose client left before it was answered", (code) => code === "ClientGone");
  view(metrics, {
    name: "minio_s3_requests_inflight_total",
    help: "requests that are not answered yet",
    labels: ["server", "api"],
    source: "kakera_s3_requests_in_flight",
    row: ({ labels, value }) => ({ labels: { server, api: apiOf(labels) }, value }),
  });
  view(metrics, {
    name: "minio_s3_requests_ttfb_seconds_distribution",
    help: "requests by the time to the head of their answer, up to le seconds",
    labels: ["server", "api", "le"],
    source: "kakera_s3_time_to_first_byte_seconds",
    row: ({ labels, value }) =>
      labels["le"] === undefined ? null : { labels: { server, api: apiOf(labels), le: String(labels["le"]) }, value },
  });
  for (const [direction, name, help] of directions)
    view(metrics, {
      name: `minio_s3_traffic_${name}_bytes`,
      help: `bytes of bodies ${help}`,
      kind: "counter",
      labels: ["server"],
      source: "kakera_s3_bytes_total",
      row: ({ labels, value }) => (labels["direction"] === direction ? { labels: { server }, value } : null),
    });
}

const directions = [
  ["in", "received", "received"],
  ["out", "sent", "sent"],
] as const;

/** Of buckets that were asked for. */
function showOfBuckets(metrics: PromMeter): void {
  const labelsOf = ({ labels }: MeterRow): Record<string, string> => ({
    bucket: labels["bucket"] ?? "",
    api: apiOf(labels),
  });
  const requests = (name: string, help: string, outcomes: readonly string[]): void =>
    view(metrics, {
      name: `minio_bucket_requests_${name}`,
      help,
      kind: "counter",
      labels: ["bucket", "api"],
      source: "kakera_bucket_requests_total",
      row: (row) => ({
        labels: labelsOf(row),
        value: outcomes.length === 0 || outcomes.includes(row.labels["outcome"] ?? "") ? row.value : 0,
      }),
    });
  requests("total", "requests for a bucket", []);
  requests("4xx_errors_total", "requests for a bucket that the client got wrong", ["client_error"]);
  requests("5xx_errors_total", "requests for a bucket that failed here", ["server_error"]);
  requests("canceled_total", "requests for a bucket whose client left before it was answered", ["canceled"]);
  view(metrics, {
    name: "minio_bucket_requests_inflight_total",
    help: "requests for a bucket that are not answered yet",
    labels: ["bucket", "api"],
    source: "kakera_bucket_requests_in_flight",
    row: (row) => ({ labels: labelsOf(row), value: row.value }),
  });
  view(metrics, {
    name: "minio_bucket_requests_ttfb_seconds_distribution",
    help: "requests for a bucket by the time to the head of their answer, up to le seconds",
    labels: ["bucket", "api", "le"],
    source: "kakera_bucket_time_to_first_byte_seconds",
    row: (row) =>
      row.labels["le"] === undefined
        ? null
        : { labels: { ...labelsOf(row), le: String(row.labels["le"]) }, value: row.value },
  });
  for (const [direction, name, help] of directions)
    view(metrics, {
      name: `minio_bucket_traffic_${name}_bytes`,
      help: `bytes of bodies ${help} for a bucket`,
      kind: "counter",
      labels: ["bucket"],
      source: "kakera_bucket_bytes_total",
      row: ({ labels, value }) =>
        labels["direction"] === direction ? { labels: { bucket: labels["bucket"] ?? "" }, value } : null,
    });
}

interface View {
  readonly name: string;
  readonly help: string;
  readonly kind?: "counter";
  readonly labels: readonly string[];
  readonly source: string;
  readonly row: Row;
}

function view(metrics: PromMeter, { source, row, ...spec }: View): void {
  metrics.table(spec, async () => sumBy(await metrics.values(source), row));
}

/** Rows that get the same labels are one. */
function sumBy(rows: readonly MeterRow[], row: Row): MeterRow[] {
  const sums = new Map<string, { labels: MeterRow["labels"]; value: number }>();
  for (const given of rows) {
    const shown = row(given);
    if (shown === null) continue;
    const name = Object.values(shown.labels).join("\u0000");
    const sum = sums.get(name);
    if (sum === undefined) sums.set(name, { ...shown });
    else sum.value += shown.value;
  }
  return [...sums.values()];
}

/** Health, metrics and administration are none of MinIO's S3 requests: a node that is not ready yet would show failures. */
function isS3({ operation }: MeterRow["labels"]): boolean {
  return operation !== "Health" && operation !== "Metrics" && operation !== "Admin";
}

function apiOf(labels: MeterRow["labels"]): string {
  return (labels["operation"] ?? "").toLowerCase();
}

/** Our codes are statuses or S3's error codes; an answer that broke on its way is a failure of ours. */
function statusOf(code: string): number {
  if (code === "Broken") return 500;
  return statusOfCode(code) ?? 0;
}
