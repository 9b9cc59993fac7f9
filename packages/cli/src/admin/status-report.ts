import type { CensusReport, PlanReport, RepairReport } from "@kakera/maintenance";
import type { EtcdReport, FeatureLevel } from "@kakera/metadata";
import type { DriveCondition } from "@kakera/rpc";
import type { FeatureRange } from "../upgrade/feature-range.ts";

/** What `/kakera/admin/v1/status` answers and `kakera status` shows. Times are milliseconds since the epoch. */
export interface StatusReport {
  readonly kind: "status";
  readonly version: 1;
  readonly serverVersion: string;
  readonly clusterId: string;
  readonly nowMs: number;
  readonly startedMs: number;
  /** `ok`; `attention`: it serves, and a condition needs somebody; `unavailable`: it is not ready. */
  readonly health: "ok" | "attention" | "unavailable";
  readonly conditions: readonly Condition[];
  readonly geometry: { readonly k: number; readonly m: number };
  readonly drives: readonly DriveReport[];
  /** The log, on the drives or in etcd. */
  readonly journal: JournalReport;
  /** null: one machine, whose log is a journal on its drives. */
  readonly cluster: ClusterReport | null;
  readonly census: CensusReport;
  readonly repair: RepairReport;
  /** The plan that is being carried out, or was last; null: none ever was. */
  readonly plan: PlanReport | null;
  /** Bytes of objects that wait to be written anew with the geometry of the newest pool. */
  readonly rewriteBytes: number;
  readonly usage: UsageTotals;
  readonly eventLoopLagSeconds: number;
}

/** One thing that needs attention. `reason` is one of the contract's codes. */
export interface Condition {
  readonly reason: string;
  /** The drive, bucket or part that it is about; null: all of it. */
  readonly subject: string | null;
  readonly sentence: string;
  readonly remedy: string;
  /** `critical`: data or service is at stake now. */
  readonly weight: "notice" | "warning" | "critical";
}

export interface DriveReport {
  readonly driveId: string;
  /** The folder. */
  readonly place: string;
  /** Its place on the command line, 1, 2, ...; those of other nodes follow. */
  readonly position: number;
  /** The node that has it; null: the one that reports. */
  readonly node: string | null;
  /** Its failure domain: at most one shard of a chunk lies in each. */
  readonly domain: string;
  readonly condition: DriveCondition;
  /** What the cluster's record says: MEMBER, SUSPECT, DOWN. */
  readonly standing: string;
  readonly reason: string | null;
  /** What exactly is the matter, where more is known than the reason says. */
  readonly why: string | null;
  readonly freeBytes: number;
  readonly totalBytes: number;
  readonly shardCount: number;
  readonly garbageBytes: number;
}

export interface JournalReport {
  readonly canWrite: boolean;
  readonly membersReachable: number;
  readonly membersNeeded: number;
  readonly revision: number;
  readonly term: number;
  /** Only changes that free something are taken. Absent = false. */
  readonly isSpaceShort?: boolean;
}

/** What a cluster's log says of itself. */
export interface LogReport {
  /** Why nobody changes anything, until an operator has decided; null: go on. */
  readonly halt: string | null;
  readonly etcd: EtcdReport;
  readonly isLeader: boolean;
  /** The copy of the log on the drives, where this process writes it; null: another one does, or nobody yet. */
  readonly archive: ArchiveReport | null;
}

export interface ClusterReport extends LogReport {
  /** That live. */
  readonly nodes: readonly NodeReport[];
  /** What all of them write, and may be about to; null: the cluster is not formed yet. */
  readonly featureLevel: FeatureLevel | null;
}

export interface NodeReport {
  readonly host: string;
  readonly version: string;
  readonly levels: FeatureRange;
}

export interface ArchiveReport {
  /** What a recovery would give back at least; 0: nothing yet. */
  readonly publishedRevision: number;
  /** Batches of the log that are not in it yet. */
  readonly lagBatches: number;
  readonly copies: number;
}

export interface UsageTotals {
  readonly bucketCount: number;
  readonly objectCount: number;
  readonly sizeBytes: number;
}

export interface BucketReport {
  readonly kind: "bucket";
  readonly version: 1;
  readonly name: string;
  readonly createdMs: number;
  readonly objectCount: number;
  readonly sizeBytes: number;
  readonly uploadCount: number;
  readonly partBytes: number;
}
