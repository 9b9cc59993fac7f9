import type { ReasonCode } from "@kakera/kernel";

/** What the process knows of its own and the cluster's state: given by the composition, read at each health request. */
export interface HealthSource {
  health(): Health;
}

export interface Health {
  /** The log answers, the view has caught up, every group can be read. */
  readonly isReady: boolean;
  /** It has started, and the log answers: what a request needs and cannot have, it learns by itself. */
  readonly takesRequests: boolean;
  readonly reasons: readonly ReasonCode[];
  readonly version: string;
  readonly write: Quorum;
  readonly read: Quorum;
}

export interface Quorum {
  /** Every group has it now. */
  readonly isMet: boolean;
  /** Shards that it takes: shown in x-minio-write-quorum and x-minio-read-quorum. */
  readonly shardCount: number;
  /** Every group would still have it without this node. */
  readonly isMetWithoutThisNode: boolean;
}
