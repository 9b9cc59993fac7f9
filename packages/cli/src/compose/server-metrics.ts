import type { DriveCondition } from "@kakera/rpc";
import type { ArchiveReport } from "../admin/status-report.ts";
import type { PromMeter } from "../drivers/prom-meter.ts";
import type { ServerState } from "./server-state.ts";

const driveStates: readonly DriveCondition[] = ["online", "suspect", "full", "failed", "offline"];
/** A scrape names so many buckets at most. */
const bucketsMax = 1000;

/** What the composition itself measures: contract.md section 8. */
export function measureServer(
  metrics: PromMeter,
  sources: {
    readonly state: ServerState;
    readonly eventLoopLagSeconds: () => number;
    readonly viewLagRevisions: () => number;
    readonly isLogWritable: () => boolean;
    /** null: this process does not write it. */
    readonly archive: () => ArchiveReport | null;
  },
): void {
  const lag = metrics.meter.gauge({
    name: "kakera_event_loop_lag_seconds",
    help: "99th percentile of how long the process keeps its callers waiting",
  });
  const viewLag = metrics.meter.gauge({
    name: "kakera_view_lag_revisions",
    help: "changes of the log that the view has not applied; on one machine a change is applied before it is acknowledged",
  });
  const writable = metrics.meter.gauge({
    name: "kakera_log_writable",
    help: "1 while changes can be committed; 0: only reads are served, or nothing",
  });
  const driveState = metrics.meter.gauge({
    name: "kakera_drive_state",
    help: "1 for the state that the drive is in",
    labels: ["drive", "state"],
  });
  metrics.meter.onCollect(() => {
    lag.set(sources.eventLoopLagSeconds());
    viewLag.set(sources.viewLagRevisions());
    writable.set(Number(sources.isLogWritable()));
    // A drive that is open tells its state itself.
    for (const { driveId, condition } of sources.state.drives()) {
      if (condition !== "offline" || driveId === "") continue;
      for (const state of driveStates) driveState.set(Number(state === "offline"), { drive: driveId, state });
    }
  });
  // Absent where another process writes the archive.
  const ofArchive = (value: (archive: ArchiveReport) => number) => () => {
    const archive = sources.archive();
    return archive === null ? [] : [{ labels: {}, value: value(archive) }];
  };
  metrics.table(
    {
      name: "kakera_archive_published_revision",
      help: "up to here the metadata can be given back when etcd is lost",
      labels: [],
    },
    ofArchive(({ publishedRevision }) => publishedRevision),
  );
  metrics.table(
    { name: "kakera_archive_lag_batches", help: "batches of the log that are not in the archive yet", labels: [] },
    ofArchive(({ lagBatches }) => lagBatches),
  );
  metrics.table(
    {
      name: "kakera_plan_groups",
      help: "placement groups of the plan that is carried out, or was last, by what has become of them",
      labels: ["state"],
    },
    () => {
      const plan = sources.state.plan();
      if (plan === null) return [];
      const { groupCount, groupsWaiting: waiting, groupsMoving: moving } = plan;
      return Object.entries({ waiting, moving, done: Math.max(0, groupCount - waiting - moving) }).map(
        ([state, value]) => ({ labels: { state }, value }),
      );
    },
  );
  const rows = (value: (bucket: ReturnType<ServerState["buckets"]>[number]) => number) => () =>
    sources.state
      .buckets()
      .slice(0, bucketsMax)
      .map((bucket) => ({ labels: { bucket: bucket.name }, value: value(bucket) }));
  metrics.table(
    { name: "kakera_bucket_usage_bytes", help: "bytes of a bucket's current objects", labels: ["bucket"] },
    rows((bucket) => bucket.sizeBytes),
  );
  metrics.table(
    { name: "kakera_bucket_objects", help: "current objects of a bucket", labels: ["bucket"] },
    rows((bucket) => bucket.objectCount),
  );
}
