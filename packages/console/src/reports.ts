/** What the console reads of the administration's reports. Times are milliseconds since the epoch. The program's own types must fit them. */

export interface SeenCondition {
  readonly reason: string;
  readonly subject: string | null;
  readonly sentence: string;
  readonly remedy: string;
  readonly weight: "notice" | "warning" | "critical";
}

export interface SeenDrive {
  readonly driveId: string;
  readonly place: string;
  readonly position: number;
  /** null: of the node that reports. */
  readonly node: string | null;
  readonly domain: string;
  readonly condition: string;
  readonly standing: string;
  readonly reason: string | null;
  readonly why: string | null;
  readonly freeBytes: number;
  readonly totalBytes: number;
  readonly shardCount: number;
  readonly garbageBytes: number;
}

export interface SeenPlan {
  readonly plan: string;
  readonly state: string;
  readonly startedMs: number;
  readonly endedMs: number | null;
  readonly groupCount: number;
  readonly groupsWaiting: number;
  readonly groupsMoving: number;
  readonly movingBytes: number;
  readonly leavingCount: number;
}

export interface SeenStatus {
  readonly serverVersion: string;
  readonly clusterId: string;
  readonly nowMs: number;
  readonly startedMs: number;
  readonly health: "ok" | "attention" | "unavailable";
  readonly conditions: readonly SeenCondition[];
  readonly geometry: { readonly k: number; readonly m: number };
  readonly drives: readonly SeenDrive[];
  readonly journal: { readonly canWrite: boolean; readonly revision: number };
  /** null: one machine. */
  readonly cluster: { readonly halt: string | null; readonly isLeader: boolean } | null;
  readonly census: {
    readonly startedMs: number | null;
    readonly provenMs: number | null;
    readonly chunkCount: number;
    readonly chunksByMissing: readonly number[];
    readonly lostCount: number;
  };
  readonly repair: {
    readonly waitingCount: number;
    readonly oldestWaitingMs: number | null;
    readonly isPaused: boolean;
  };
  readonly plan: SeenPlan | null;
  readonly rewriteBytes: number;
  readonly usage: { readonly bucketCount: number; readonly objectCount: number; readonly sizeBytes: number };
  readonly eventLoopLagSeconds: number;
}

export interface SeenBucket {
  readonly name: string;
  readonly createdMs: number;
  readonly objectCount: number;
  readonly sizeBytes: number;
  readonly uploadCount: number;
  readonly partBytes: number;
}

export interface SeenActivity {
  readonly intervalMs: number;
  readonly samples: readonly {
    readonly atMs: number;
    readonly lengthMs: number;
    readonly requestCount: number;
    readonly failureCount: number;
    readonly refusalCount: number;
    readonly receivedBytes: number;
    readonly sentBytes: number;
    readonly p50Seconds: number | null;
    readonly p99Seconds: number | null;
  }[];
}

/** What `POST /plans` offers. */
export interface SeenOffer {
  readonly plan: string;
  readonly coming: readonly unknown[];
  readonly leaving: readonly string[];
  readonly geometry: { readonly from: string; readonly to: string } | null;
  readonly groupCount: number;
  readonly groupsOfAll: number;
  readonly movingBytes: number;
  readonly rebuiltBytes: number;
  readonly estimateMs: number;
  readonly toleranceBefore: string;
  readonly toleranceAfter: string;
}

export interface SeenExplanation {
  readonly chunkCount: number;
  readonly inlineBytes: number;
  readonly provenMs: number | null;
  readonly chunks: readonly {
    readonly dataId: string;
    readonly chunkIndex: number;
    readonly chunkSizeBytes: number;
    readonly geometry: { readonly k: number; readonly m: number };
    readonly spareDomains: number;
    readonly agrees: "yes" | "no";
    readonly shards: readonly {
      readonly shardIndex: number;
      readonly places: readonly { readonly driveId: string; readonly role: string; readonly state: string }[];
    }[];
  }[];
  readonly drives: readonly { readonly driveId: string; readonly place: string; readonly node: string | null }[];
}
