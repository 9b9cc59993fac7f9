import { idFromBytes, type BucketId, type ClusterId } from "@kakera/kernel";
import type { UnprovenBody } from "@kakera/maintenance";
import { ranges, type DriveWitness, type View, type ViewPosition } from "@kakera/metadata";
import { records } from "@kakera/protocol";
import { reportBuckets, sumUsage } from "../admin/bucket-reports.ts";
import { formatBytes, formatCount, formatCounted, formatTable } from "../commands/format-values.ts";

/** What an archive gives back. Printed as one JSON object with --json. */
export interface RecoveryReport {
  readonly kind: "recovery";
  readonly version: 1;
  readonly clusterId: ClusterId;
  /** Of the log that was archived: everything up to it is given back. */
  readonly revision: number;
  readonly batch: number;
  readonly bucketCount: number;
  readonly objectCount: number;
  readonly sizeBytes: number;
  readonly uploadCount: number;
  readonly rowCount: number;
  /** Drives that have seen a later batch than what is given back: so many changes at least are lost. */
  readonly lostBatchesKnown: number;
  readonly unprovenCount: number;
}

/** One line for each body that is on drives and in no record. */
export interface UnprovenReport {
  readonly kind: "unproven";
  readonly version: 1;
  /** null: the bucket is not known either. */
  readonly bucket: string | null;
  readonly bucketId: string;
  readonly key: string;
  readonly dataId: string;
  readonly sizeBytes: number;
  readonly chunkCount: number;
  readonly isReadable: boolean;
}

export function reportRecovery(
  view: View & { readonly position: ViewPosition | null },
  of: {
    readonly clusterId: ClusterId;
    readonly witnesses: readonly DriveWitness[];
    readonly unproven: readonly UnprovenBody[];
  },
): RecoveryReport {
  const buckets = reportBuckets(view);
  const { revision = 0, sequence = 0 } = view.position ?? {};
  const latest = Math.max(sequence, ...of.witnesses.map(({ position }) => position?.sequence ?? 0));
  return {
    kind: "recovery",
    version: 1,
    clusterId: of.clusterId,
    revision,
    batch: sequence,
    ...sumUsage(buckets),
    uploadCount: buckets.reduce((sum, { uploadCount }) => sum + uploadCount, 0),
    rowCount: view.entryCount,
    lostBatchesKnown: latest - sequence,
    unprovenCount: of.unproven.length,
  };
}

export function reportUnproven(view: View, unproven: readonly UnprovenBody[]): UnprovenReport[] {
  const names = bucketNames(view);
  return unproven.map(({ ownerBucketId, ownerKey, dataId, sizeBytes, chunkCount, isReadable }) => ({
    kind: "unproven",
    version: 1,
    bucket: names.get(ownerBucketId) ?? null,
    bucketId: ownerBucketId,
    key: ownerKey.toString(),
    dataId,
    sizeBytes,
    chunkCount,
    isReadable,
  }));
}

function bucketNames(view: View): ReadonlyMap<BucketId, string> {
  const names = new Map<BucketId, string>();
  const { from, to } = ranges.table("bucket");
  view.walk(from, to, (key, value) => {
    const { bucketId } = records.BucketRecord.decode(value);
    names.set(idFromBytes("bucket", bucketId), key.subarray(1).toString("latin1"));
    return "next";
  });
  return names;
}

const shownMax = 20;

export function renderRecovery(report: RecoveryReport, unproven: readonly UnprovenReport[]): string[] {
  const lines = [
    `cluster    ${report.clusterId}`,
    `archive    up to revision ${formatCount(report.revision)}, batch ${formatCount(report.batch)}`,
    `contents   ${formatCounted(report.objectCount, "object")}, ${formatBytes(report.sizeBytes)} in ${formatCounted(report.bucketCount, "bucket")}; ${formatCounted(report.uploadCount, "open upload")}`,
  ];
  if (report.lostBatchesKnown > 0)
    lines.push(
      `lost       ${formatCounted(report.lostBatchesKnown, "batch")} of changes at least: a drive has seen them`,
    );
  if (unproven.length === 0) return [...lines, "unproven   none: every shard on these drives is named by a record"];
  lines.push(
    `unproven   ${formatCounted(unproven.length, "body").replace("bodys", "bodies")} on the drives that no record names: written after the archive, or never committed`,
    "",
    ...formatTable(
      [
        ["BUCKET", "KEY", "SIZE", "READABLE", "DATA ID"],
        ...unproven
          .slice(0, shownMax)
          .map(({ bucket, bucketId, key, sizeBytes, isReadable, dataId }) => [
            bucket ?? bucketId,
            key,
            formatBytes(sizeBytes),
            isReadable ? "yes" : "no",
            dataId,
          ]),
      ],
      [2],
    ),
  );
  if (unproven.length > shownMax)
    lines.push(`... and ${formatCount(unproven.length - shownMax)} more: --json shows all`);
  return lines;
}
