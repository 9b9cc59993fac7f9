import type { DriveId } from "@kakera/kernel";
import type { CommitLog, JournalPlace, LogWitness, MemberStatus } from "@kakera/metadata";

/** The log of a server, whatever it is kept in: a journal on the machine's drives, or etcd, with an archive on the drives. */
export interface ServerLog extends CommitLog {
  /** Copies of the journal that the drives should carry; 0: it is kept elsewhere. */
  readonly journalMembersWanted: number;
  /** Like JournalLog's; in a cluster there is nothing to do. */
  rejoin(place: JournalPlace): Promise<void>;
  forget(driveId: DriveId): Promise<void>;
  readonly forgotten: readonly DriveId[];
  members(): readonly MemberStatus[];
  /** For the drives' identity files; null before anything was acknowledged. */
  witness(): LogWitness | null;
  /** What a cluster's log says of itself; null: it is a journal. */
  readonly cluster: ClusterReport | null;
}

export interface ClusterReport {
  /** Why nobody changes anything; null: go on. */
  readonly halt: string | null;
  readonly isLeader: boolean;
  /** The copy of the log on the drives, where this process writes it; null: another one does, or nobody yet. */
  readonly archive: ArchiveReport | null;
}

export interface ArchiveReport {
  /** What a recovery would give back at least; 0: nothing yet. */
  readonly publishedRevision: number;
  /** Changes of the log that are not in it yet. */
  readonly lagBatches: number;
  readonly copies: number;
}
