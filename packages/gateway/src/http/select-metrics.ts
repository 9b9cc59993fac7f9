/** What a scrape's path shows of all that is measured: names by how they begin. */
const shownBy: Readonly<Record<string, (name: string) => boolean>> = {
  "/metrics": (name) => !name.startsWith("minio_"),
  // As MinIO: the cluster's path has what nodes count of themselves, too.
  "/minio/v2/metrics/cluster": (name) => name.startsWith("minio_") && !name.startsWith("minio_bucket_"),
  "/minio/v2/metrics/node": (name) => /^minio_(node|s3|inter_node|software)_/.test(name),
  "/minio/v2/metrics/bucket": (name) => name.startsWith("minio_bucket_"),
  "/minio/v2/metrics/resource": (name) => /^minio_node_(drive|cpu|mem)_/.test(name),
};

/** What of it each node counts for itself, where the path tells of all nodes; the rest is the same at each. */
const countedBy: Readonly<Record<string, (name: string) => boolean>> = {
  "/minio/v2/metrics/cluster": shownBy["/minio/v2/metrics/node"] as (name: string) => boolean,
  "/minio/v2/metrics/bucket": (name) => !/^minio_bucket_(usage|objects_size)_/.test(name),
};

/** null: the path tells of one node. */
export function countedOf(path: string): ((name: string) => boolean) | null {
  return countedBy[path] ?? null;
}

export function isMetricsPath(path: string): boolean {
  return Object.hasOwn(shownBy, path);
}

/** `text`: in Prometheus' text form, with an empty line between metrics, each of which begins with its HELP. */
export function selectMetrics(path: string, text: string): string {
  const isShown = shownBy[path] as (name: string) => boolean;
  const shown = text.split("\n\n").filter((block) => isShown(/^\s*# HELP (\S+)/.exec(block)?.[1] ?? ""));
  return `${shown.map((block) => block.trim()).join("\n\n")}\n`;
}
