import type { Clock } from "@kakera/kernel";
import type { PromMeter } from "../drivers/prom-meter.ts";
import type { ObjectSurvey } from "../survey/object-survey.ts";
import type { ServerState } from "../compose/server-state.ts";
import { showBuckets } from "./show-buckets.ts";
import { showCluster } from "./show-cluster.ts";
import { showDrives } from "./show-drives.ts";
import { showProcess, type ProcessIo } from "./show-process.ts";
import { showMinioRequests } from "./show-requests.ts";

export interface MinioMetricsSources {
  readonly clock: Clock;
  readonly state: ServerState;
  readonly survey: ObjectSurvey;
  /** host:port, the label of everything that a node counts. */
  readonly server: string;
  /** Bytes and calls of the process' file I/O; null where the system does not say. */
  readonly processIo: () => ProcessIo | null;
}

/**
 * What dashboards and alerts written for MinIO ask for, by the names that they use, out of the same figures: they fill after
 * their target was changed. What has no counterpart here (KMS, replication, versions) is not made up: docs/metrics.md names it.
 */
export function showMinioMetrics(metrics: PromMeter, sources: MinioMetricsSources): void {
  showCluster(metrics, sources);
  showBuckets(metrics, sources);
  showDrives(metrics, sources);
  showProcess(metrics, sources);
  showMinioRequests(metrics, sources.server);
}
