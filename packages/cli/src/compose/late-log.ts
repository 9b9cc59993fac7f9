import { ClusterFailure, type DriveId, type SessionId } from "@kakera/kernel";
import type { Change, CommitLog, CommitResult, JournalPlace, LogStatus, MemberStatus, View } from "@kakera/metadata";
import type { ServerLog } from "./server-log.ts";

/**
 * The log as the rest of the server holds it: before it is open, and while it is opened again over other drives, nobody
 * is let through to it.
 */
export interface LateLog extends CommitLog {
  /** The log that answers from now on; null: none for a while. */
  use(log: ServerLog | null): void;
  /** Reads may be answered: everything acknowledged is in the view. */
  isOpen(): Promise<boolean>;
  /** Like JournalLog's. */
  rejoin(place: JournalPlace): Promise<void>;
  forget(driveId: DriveId): Promise<void>;
  forgotten(): readonly DriveId[];
  members(): readonly MemberStatus[];
  /** The log itself, or null. */
  readonly current: ServerLog | null;
}

const closedStatus: LogStatus = { canWrite: false, membersReachable: 0, membersNeeded: 1, revision: 0, term: 0 };

/**
 * `session` and `view` outlive every journal that is opened; one that cannot say all shows a part of the view. A cluster's log has
 * sessions of its own.
 */
export function createLateLog(lasting: { readonly session: SessionId; readonly view: () => View }): LateLog {
  let opened: ServerLog | null = null;
  const log = (): ServerLog => {
    if (opened === null) throw new ClusterFailure("retry", "the log is being opened", { reason: "LOG_UNREACHABLE" });
    return opened;
  };
  return {
    get session(): SessionId {
      return opened?.session ?? lasting.session;
    },
    get operationsPerChangeMax(): number {
      return opened?.operationsPerChangeMax ?? Number.POSITIVE_INFINITY;
    },
    get view(): View {
      return opened?.view ?? lasting.view();
    },
    get current() {
      return opened;
    },
    use(next) {
      opened = next;
    },
    async isOpen() {
      try {
        await log().barrier();
        return true;
      } catch (error) {
        if (error instanceof ClusterFailure) return false;
        throw error;
      }
    },
    commit: async (change: Change): Promise<CommitResult> => log().commit(change),
    barrier: async () => log().barrier(),
    status: () => opened?.status() ?? closedStatus,
    members: () => opened?.members() ?? [],
    rejoin: async (place) => log().rejoin(place),
    forget: async (driveId) => log().forget(driveId),
    forgotten: () => opened?.forgotten ?? [],
    close: async () => opened?.close(),
  };
}
