import type { Archive } from "../archive/archive.ts";
import type { SessionId } from "@kakera/kernel";
import type { ReportedMarks } from "../etcd/position-report.ts";
import type { LiveSession } from "../etcd/read-sessions.ts";
import type { EtcdReport } from "../etcd/member-watch.ts";
import type { LogIdentity } from "../etcd/log-identity.ts";
import type { CommitLog } from "./commit-log.ts";
import type { ViewPosition } from "./view.ts";

/** The log of several processes: what they have to do once for all of them, one does. */
export interface ClusterLog extends CommitLog {
  /**
   * Whether this process leads, as far as it knows. Leading is an optimisation and no lock: a process that stood still leads on for a
   * moment when it wakes, beside another one. So every decision of a leader must be monotone (correctness.md F7): once true, true for ever.
   */
  readonly isLeader: boolean;

  /**
   * Runs `work` whenever this process leads. The signal is aborted when it does not any more, or cannot be sure of it: the session is lost,
   * or etcd has not renewed it for so long that another may lead. Run again when it leads again, but not before it has settled; one that
   * rejects is logged and begun again later while this process leads. `close` aborts and awaits it, while the log still answers what was asked before.
   */
  lead(work: (signal: AbortSignal) => Promise<void>): void;

  readonly identity: LogIdentity;
  /** Why nobody changes anything, until an operator has decided; null: go on. */
  readonly halt: string | null;
  readonly etcd: EtcdReport;
  /** For the drives' identity files: the last batch applied; null before any. */
  witness(): ViewPosition | null;
  /**
   * Holds what drives remember of the log against etcd. What contradicts it halts the log for everybody. Rejects with `halt` then,
   * and with `retry` when etcd does not answer.
   */
  bearWitness(witnesses: readonly ViewPosition[]): Promise<void>;
  /** Hands the log to the archive until `signal` is aborted. Rejects with what ends the archive. */
  feed(archive: Archive, signal: AbortSignal): Promise<void>;
  /**
   * Keeps the log's history from the revision on (inclusive) that `revision` gives whenever this process reports how far it is; null = it
   * needs none now. Once for each name. A promise for as long as the session is not lost, and only where nobody else compacts.
   */
  hold(name: string, revision: () => number | null): void;

  /** What this process says of its reads and writes whenever it reports how far it is. */
  reportMarks(marks: () => ReportedMarks): void;

  /**
   * Every session that lives, and what was reported under it last: who is not named is gone for ever. null: they cannot be listed.
   * Rejects with `retry`.
   */
  readSessions(): Promise<ReadonlyMap<SessionId, LiveSession> | null>;
}
