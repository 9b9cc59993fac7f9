import type { Geometry } from "@kakera/kernel";
import type { MaintenanceSettings } from "@kakera/maintenance";
import type { EtcdSettings } from "@kakera/metadata";

/** A cluster in small: everything turns over within a minute of its own time. */
export interface ClusterSettings {
  readonly geometry: Geometry;
  readonly nodeCount: number;
  /** Nodes more, whose drives hold nothing until somebody adds them. */
  readonly spareCount: number;
  readonly gatewayCount: number;
  readonly etcdMemberCount: number;
  readonly groupCount: number;
  /** How often maintenance looks for what is to be done. */
  readonly lookIntervalMs: number;
}

export const prefix = "/kakera/";
export const bucketName = "bucket";
export const pool = 1;

export const etcdSettings: Partial<EtcdSettings> & { readonly prefix: string } = {
  prefix,
  sessionTtlSeconds: 6,
  leaderTtlSeconds: 4,
  memberDeadlineMs: 600,
  commitDeadlineMs: 5_000,
  barrierDeadlineMs: 5_000,
  openDeadlineMs: 10_000,
  leaderPollMs: 1_000,
  reportMs: 1_000,
  compaction: "leader",
  compactEveryMs: 3_000,
  historyBytesMax: 8 * 1024,
  spacePollMs: 30_000,
  quotaBytes: 2 ** 31,
  auditPassMs: 30_000,
  bootstrapWaitMs: 5_000,
};

export const maintenanceSettings: Partial<MaintenanceSettings> = {
  censusIntervalMs: 4_000,
  steadyMs: 2_000,
  garbageGraceMs: 1_500,
  scrubIntervalMs: 15_000,
  uploadsIntervalMs: 60_000,
};

/** Bodies up to the first live in their record, up to the second as whole copies, above it they are coded. */
export const inlineBytesMax = 200;
export const replicatedBytesMax = 1_500;
/** Shards from this size on get files of their own. */
export const ownFileBytesMin = 3_000;
export const segmentSizeBytes = 48 * 1024;
