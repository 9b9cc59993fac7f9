import { ClusterFailure } from "@kakera/kernel";

/**
 * A change that may or may not have happened: its batch reached some drives, too few, and the next recovery may find it; or etcd
 * does not say what became of it. Its chunks must not be freed by whoever offered it, and its client must not be told that it failed for good.
 */
export class UnknownOutcome extends ClusterFailure {
  constructor(message: string, cause?: unknown) {
    super("retry", message, { reason: "LOG_UNREACHABLE", ...(cause === undefined ? {} : { cause }) });
  }
}
