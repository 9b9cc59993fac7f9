/**
 * What a caller can do about a failure of the cluster (never the client's fault):
 * - `retry`: it may succeed later or elsewhere (drive busy, quorum missing, deadline passed); clients get 503.
 * - `full`: no room; reads and deletes go on; clients get 507.
 * - `repair`: data is damaged or missing on a drive; another copy may serve.
 * - `halt`: going on could lose data; an operator must decide.
 */
export type FailureKind = "retry" | "full" | "repair" | "halt";

/** A failure inside the cluster. `reason` is one of the contract's reason codes where one fits. */
export class ClusterFailure extends Error {
  override readonly name = "ClusterFailure";
  readonly kind: FailureKind;
  readonly reason: ReasonCode | null;

  constructor(kind: FailureKind, message: string, options: { reason?: ReasonCode; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.reason = options.reason ?? null;
  }
}

/** Status, readiness, alerts and runbook pages share these. */
export const reasonCodes = [
  "DRIVE_OFFLINE",
  "DRIVE_FULL",
  "DRIVE_FAILED",
  "DRIVE_FOREIGN",
  "DRIVE_NOT_MOUNTED",
  "DRIVE_SLOW",
  "SAME_DEVICE",
  "SHARDS_SHORT",
  "TOLERANCE_ZERO",
  "QUORUM_LOST",
  "CHUNKS_LOST",
  "BITROT_FOUND",
  "REPAIR_STALLED",
  "SCRUB_OVERDUE",
  "LOG_UNREACHABLE",
  "LOG_SPACE",
  "ETCD_VERSION",
  "ETCD_SHARED",
  "VIEW_BEHIND",
  "NODE_DOWN",
  "CLOCK_SKEW",
  "VERSION_SKEW",
  "DEFAULT_CREDENTIALS",
  "CERT_EXPIRY",
  "EVENT_LOOP_LAG",
  "ULIMIT",
] as const;
export type ReasonCode = (typeof reasonCodes)[number];
