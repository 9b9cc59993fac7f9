import type { Counter, Gauge, Histogram, Meter } from "@kakera/kernel";

/** All instruments of this package. */
export interface LogMetrics {
  readonly commitSeconds: Histogram;
  readonly batchOperations: Histogram;
  readonly syncSeconds: Histogram;
  readonly journalBytes: Counter;
  readonly membersReachable: Gauge;
  readonly checkpointSeconds: Histogram;
  readonly auditRows: Counter;
  readonly auditDifferences: Counter;
}

const secondsBuckets = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const syncSecondsBuckets = [0.0001, 0.0002, ...secondsBuckets];
const operationsBuckets = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000];
const checkpointSecondsBuckets = [0.1, 0.5, 1, 5, 10, 30, 60, 300];

export function createLogMetrics(meter: Meter): LogMetrics {
  return {
    commitSeconds: meter.histogram({
      name: "kakera_log_commit_duration_seconds",
      help: "From the offer of a change to its answer",
      buckets: secondsBuckets,
    }),
    batchOperations: meter.histogram({
      name: "kakera_log_batch_operations",
      help: "Changes that travelled in one batch",
      buckets: operationsBuckets,
    }),
    syncSeconds: meter.histogram({
      name: "kakera_log_sync_duration_seconds",
      help: "Time of one synchronous write of batches to a drive's journal",
      labels: ["drive"],
      buckets: syncSecondsBuckets,
    }),
    journalBytes: meter.counter({
      name: "kakera_log_journal_bytes_total",
      help: "Bytes of batches, padding included, once for all copies",
    }),
    membersReachable: meter.gauge({
      name: "kakera_log_members_reachable",
      help: "Drives that take the journal's batches now",
    }),
    checkpointSeconds: meter.histogram({
      name: "kakera_log_checkpoint_duration_seconds",
      help: "Time to copy the view to the drives, verified",
      buckets: checkpointSecondsBuckets,
    }),
    auditRows: meter.counter({
      name: "kakera_view_audit_rows_total",
      help: "Rows of the view that were compared with etcd",
    }),
    auditDifferences: meter.counter({
      name: "kakera_view_audit_differences_total",
      help: "Rows of the view that were not what etcd has",
    }),
  };
}
