import type { Archive } from "../archive/archive.ts";
import type { CommitLog } from "../ports/commit-log.ts";
import type { ViewPosition } from "../ports/view.ts";
import type { LogIdentity } from "./log-identity.ts";

/** The commit log of a cluster: beside changes and reads, what its nodes do for it. */
export interface ClusterLog extends CommitLog {
  readonly identity: LogIdentity;
  /** Why nobody changes anything, until an operator has decided; null: go on. */
  readonly halt: string | null;
  /** For the drives' identity files: the last batch applied; null before any. */
  witness(): ViewPosition | null;
  /**
   * Holds what drives remember of the log against etcd. What contradicts it halts the log for everybody. Rejects with `halt` then,
   * and with `retry` when etcd does not answer.
   */
  bearWitness(witnesses: readonly ViewPosition[]): Promise<void>;
  /** Hands the log to the archive until `signal` is aborted. Rejects with what ends the archive. */
  feed(archive: Archive, signal: AbortSignal): Promise<void>;
}
