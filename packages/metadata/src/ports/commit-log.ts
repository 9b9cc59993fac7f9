import type { ChangeId, SessionId } from "@kakera/kernel";
import type { Key, View } from "./view.ts";

/**
 * The only truth. Every change of metadata goes through `commit`; reads pass `barrier` and then use `view`.
 * Drivers: JournalLog (one machine), MemoryLog (tests), EtcdLog (a cluster). One contract suite runs over all.
 */
export interface CommitLog {
  /** Every commit carries this session; a new process has a new one. */
  readonly session: SessionId;
  readonly view: View;
  /** Comparisons that one change may have at most, and as many writes (etcd's transactions are bounded). */
  readonly operationsPerChangeMax: number;

  /**
   * Offers one change. Resolves when it is durable and applied to the view, or when a comparison failed against a state
   * that is itself durable. Changes that arrive while a batch is in flight travel together in the next one.
   * Rejects with ClusterFailure: `retry` (LOG_UNREACHABLE: it has certainly not happened), `full` (LOG_SPACE: it has
   * certainly not happened), `halt` or an UnknownOutcome (it may or may not have happened: its chunks must not be freed).
   */
  commit(change: Change): Promise<CommitResult>;

  /** After it resolves, the view holds everything that was acknowledged to anybody before the call. Rejects with `retry`. */
  barrier(): Promise<void>;

  status(): LogStatus;
  close(): Promise<void>;
}

/** One conditional transaction. All comparisons hold against one state, and then all writes happen at once, or nothing does. */
export interface Change {
  readonly id: ChangeId;
  /** Keys that this change depends on, with the revision seen; 0 = must be absent. Every key written should be compared. */
  readonly compares: readonly Compare[];
  /** Ranges [from, to) that must hold no key (bucket removal). Only where the log can promise it. */
  readonly emptyRanges?: readonly KeyRange[];
  readonly puts: readonly { readonly key: Key; readonly value: Uint8Array }[];
  readonly deletes: readonly Key[];
  readonly deleteRanges?: readonly KeyRange[];
  /**
   * What for; decides what may go on when space is short: `free` (deletes, checkpoints) uses the reserve, `garbage` (rows of what was
   * dropped, which go for good) the last of it.
   */
  readonly purpose: "write" | "free" | "garbage";
}

export interface Compare {
  readonly key: Key;
  readonly revision: number;
  /** The view's `appliedRevision` when the key's was read from it: as long as that is the same, so is the key. */
  readonly readAt?: number;
}

/** [from, to) in byte order. */
export interface KeyRange {
  readonly from: Key;
  readonly to: Key;
}

export type CommitResult =
  | { readonly outcome: "committed"; readonly revision: number }
  /** `failed`: the first key whose comparison failed (or the first key found in a range that had to be empty). */
  | { readonly outcome: "refused"; readonly failed: Key };

export interface LogStatus {
  readonly canWrite: boolean;
  /** `no`: barriers do not pass, so that nothing can be read either. Absent = yes, once the log is open. */
  readonly canRead?: "yes" | "no";
  /** Copies that a batch reaches now, and needs. */
  readonly membersReachable: number;
  readonly membersNeeded: number;
  readonly revision: number;
  readonly term: number;
  /** LOG_SPACE: too few drives have room for the next journal file, or etcd comes near its quota; only changes that free something are taken. Absent = false. */
  readonly isSpaceShort?: boolean;
}
