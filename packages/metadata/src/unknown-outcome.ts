import { ClusterFailure } from "@kakera/kernel";

/**
 * A change that may or may not have happened: its batch reached some drives, too few, and the next recovery may find it; or etcd
 * does not say what became of it. Its chunks must not be freed by whoever offered it, and its client must not be told that it failed for good.
 */
export class UnknownOutcome extends ClusterFailure {
  /**
   * `decided`: it is in the log, or never will be; only this process cannot say which. A view at a later barrier can. `open`: it may
   * happen yet.
   */
  readonly fate: "decided" | "open";

  constructor(message: string, options: { readonly fate: "decided" | "open"; readonly cause?: unknown }) {
    const { fate, cause } = options;
    super("retry", message, { reason: "LOG_UNREACHABLE", ...(cause === undefined ? {} : { cause }) });
    this.fate = fate;
  }
}
