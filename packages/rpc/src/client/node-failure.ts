import { ClusterFailure, type ReasonCode } from "@kakera/kernel";

/**
 * A call that was not answered, or not by one of the cluster's nodes: whether it was done is not known, unless it says so.
 * `released`: until then what was lent to be sent may still be read (bufferReleased); null: it is not.
 */
export class NodeFailure extends ClusterFailure {
  readonly released: Promise<void> | null;

  constructor(
    message: string,
    options: { readonly reason: ReasonCode; readonly released?: Promise<void> | null; readonly cause?: unknown },
  ) {
    super("retry", message, { reason: options.reason, cause: options.cause });
    this.released = options.released ?? null;
  }
}
