import { assert, ClusterFailure, type SessionId } from "@kakera/kernel";
import type { Change, CommitLog, CommitResult, LogStatus, View } from "@kakera/metadata";

/** A log that the gateway can be built on before it is open: until then nobody is let through to it. */
export interface LateLog extends CommitLog {
  open(log: CommitLog): void;
  readonly isOpen: boolean;
}

const closedStatus: LogStatus = { canWrite: false, membersReachable: 0, membersNeeded: 1, revision: 0, term: 0 };

export function createLateLog(): LateLog {
  let opened: CommitLog | null = null;
  const log = (): CommitLog => {
    if (opened === null) throw new ClusterFailure("retry", "the server is starting", { reason: "LOG_UNREACHABLE" });
    return opened;
  };
  return {
    open(openLog) {
      assert(opened === null, "a log opens once");
      opened = openLog;
    },
    get isOpen(): boolean {
      return opened !== null;
    },
    get session(): SessionId {
      return log().session;
    },
    get view(): View {
      return log().view;
    },
    commit: async (change: Change): Promise<CommitResult> => log().commit(change),
    barrier: async () => log().barrier(),
    status: () => opened?.status() ?? closedStatus,
    close: async () => opened?.close(),
  };
}
