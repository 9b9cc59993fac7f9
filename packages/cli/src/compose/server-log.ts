import type { DriveId } from "@kakera/kernel";
import type { ClusterLog, CommitLog, JournalPlace, LogWitness, MemberStatus } from "@kakera/metadata";
import type { LogReport } from "../admin/status-report.ts";

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
  /** The log itself where it is a cluster's, for what only clusters do. */
  readonly shared: ClusterLog | null;
  /** What a cluster's log says of itself; null: it is a journal. */
  readonly cluster: LogReport | null;
}
