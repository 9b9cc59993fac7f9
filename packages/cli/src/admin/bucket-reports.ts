import { idFromBytes } from "@kakera/kernel";
import { ranges, type View } from "@kakera/metadata";
import { records } from "@kakera/protocol";
import type { BucketReport, UsageTotals } from "./status-report.ts";

const bucketKeyPrefixBytes = 1;

/** Every bucket with what is in it, exactly, in order of names. */
export function reportBuckets(view: View): BucketReport[] {
  const reports: BucketReport[] = [];
  const { from, to } = ranges.table("bucket");
  view.walk(from, to, (key, value) => {
    const record = records.BucketRecord.decode(value);
    const name = key.subarray(bucketKeyPrefixBytes).toString("latin1");
    const usage = view.usage(idFromBytes("bucket", record.bucketId));
    reports.push({ kind: "bucket", version: 1, name, createdMs: record.createdMs, ...usage });
    return "next";
  });
  return reports;
}

export function sumUsage(buckets: readonly BucketReport[]): UsageTotals {
  return {
    bucketCount: buckets.length,
    objectCount: buckets.reduce((sum, bucket) => sum + bucket.objectCount, 0),
    sizeBytes: buckets.reduce((sum, bucket) => sum + bucket.sizeBytes, 0),
  };
}
