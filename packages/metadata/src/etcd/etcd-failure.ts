import { ClusterFailure } from "@kakera/kernel";

/**
 * What became of a request that etcd answered with an error, or did not answer:
 * - `form`: refused for what it says (a key twice, too many operations, too large). It has not happened; sent again it fails again.
 * - `full`: the quota is reached. It has not happened.
 * - `refused`: not allowed, or not now. It has not happened.
 * - `compacted`: the revision asked for is gone.
 * - `unknown`: timeouts, lost connections, changes of leader. It may or may not have happened, or may happen yet.
 */
export type EtcdFate = "form" | "full" | "refused" | "compacted" | "unknown";

/** gRPC status codes: https://grpc.io/docs/guides/status-codes/ */
const status = {
  invalidArgument: 3,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  outOfRange: 11,
  unimplemented: 12,
  unauthenticated: 16,
} as const;

export function fateOf(failure: unknown): EtcdFate {
  const { code, message } = failure as { code?: unknown; message?: unknown };
  const text = typeof message === "string" ? message : "";
  if (text.includes("database space exceeded")) return "full";
  if (text.includes("revision has been compacted")) return "compacted";
  // etcd3 turns some answers into classes of its own, without a code.
  if (/duplicate key given|too many operations|request is too large|key is not provided|lease not found/.test(text))
    return "form";
  if (/invalid auth token|permission denied|user name is empty|authentication failed/.test(text)) return "refused";
  switch (code) {
    case status.invalidArgument:
    case status.outOfRange:
      return "form";
    case status.permissionDenied:
    case status.unauthenticated:
    case status.failedPrecondition:
    case status.unimplemented:
    // "too many requests": the queue of proposals is full, this one was not taken.
    case status.resourceExhausted:
      return "refused";
    default:
      return "unknown";
  }
}

/** What whoever asked is told when etcd cannot be reached, or does not do it. */
export function outOfReach(what: string, cause?: unknown): ClusterFailure {
  const why = cause instanceof Error ? `: ${cause.message}` : "";
  return new ClusterFailure("retry", `${what}${why}`, {
    reason: "LOG_UNREACHABLE",
    ...(cause === undefined ? {} : { cause }),
  });
}

/** As `outOfReach`, where etcd has reached its quota and does nothing that needs room. */
export function outOfRoom(what: string, cause: unknown): ClusterFailure {
  return new ClusterFailure("retry", `etcd has reached its quota: ${what}`, { reason: "LOG_SPACE", cause });
}
