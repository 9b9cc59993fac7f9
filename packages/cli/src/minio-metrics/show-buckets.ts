import type { BucketReport } from "../admin/status-report.ts";
import type { PromMeter } from "../drivers/prom-meter.ts";
import type { MinioMetricsSources } from "./show-minio-metrics.ts";
import { rangesOf } from "./show-cluster.ts";

const bucketsMax = 1000;
/** With a row for each range: fewer. */
const distributedBucketsMax = 200;

/** What is in each bucket. */
export function showBuckets(metrics: PromMeter, { state, survey }: MinioMetricsSources): void {
  const ofBuckets = (name: string, help: string, value: (bucket: BucketReport) => number): void =>
    metrics.table({ name: `minio_bucket_${name}`, help, labels: ["bucket"] }, () =>
      state
        .buckets()
        .slice(0, bucketsMax)
        .map((bucket) => ({ labels: { bucket: bucket.name }, value: value(bucket) })),
    );
  ofBuckets("usage_total_bytes", "bytes of a bucket's objects", (bucket) => bucket.sizeBytes);
  ofBuckets("usage_object_total", "objects of a bucket", (bucket) => bucket.objectCount);
  metrics.table(
    {
      name: "minio_bucket_objects_size_distribution",
      help: "objects of a bucket by size, as the last walk over all objects found them",
      labels: ["bucket", "range"],
    },
    () =>
      [...(survey.report?.objectsBySize ?? [])]
        .slice(0, distributedBucketsMax)
        .flatMap(([bucket, counts]) =>
          rangesOf(counts).map(({ labels, value }) => ({ labels: { bucket, ...labels }, value })),
        ),
  );
}
