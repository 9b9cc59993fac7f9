import { ClusterFailure, type SessionId } from "@kakera/kernel";
import { checkForm, failedCondition, viewState, writesOf } from "./evaluate-change.ts";
import type { Change, CommitLog, CommitResult, LogStatus } from "./ports/commit-log.ts";
import type { View, WritableView } from "./ports/view.ts";

/** A log that keeps nothing but the view: for tests of whatever stands on a CommitLog. */
export interface MemoryLog extends CommitLog {
  /** While set, commits and barriers reject with it: what a gateway sees when the log is out of reach or full. */
  failure: ClusterFailure | null;
}

export function createMemoryLog(components: { readonly view: WritableView; readonly session: SessionId }): MemoryLog {
  return new VolatileLog(components.view, components.session);
}

class VolatileLog implements MemoryLog {
  readonly session: SessionId;
  readonly operationsPerChangeMax = Number.POSITIVE_INFINITY;
  failure: ClusterFailure | null = null;
  readonly #view: WritableView;
  #sequence: number;
  #isClosed = false;

  constructor(view: WritableView, session: SessionId) {
    this.#view = view;
    this.session = session;
    this.#sequence = view.position?.sequence ?? 0;
  }

  get view(): View {
    return this.#view;
  }

  async commit(change: Change): Promise<CommitResult> {
    this.#refuseWhenOut();
    checkForm(change);
    const failed = failedCondition(change, viewState(this.#view));
    if (failed !== null) return { outcome: "refused", failed: Buffer.from(failed) };
    const revision = this.#view.appliedRevision + 1;
    const position = {
      logId: "memory",
      revision,
      term: 1,
      sequence: ++this.#sequence,
      checksum: String(this.#sequence),
    };
    this.#view.apply({ revision, position, writes: writesOf(change, revision) });
    return { outcome: "committed", revision };
  }

  async barrier(): Promise<void> {
    this.#refuseWhenOut();
  }

  status(): LogStatus {
    const isUp = this.failure === null && !this.#isClosed;
    return {
      canWrite: isUp,
      membersReachable: isUp ? 1 : 0,
      membersNeeded: 1,
      revision: this.#view.appliedRevision,
      term: 1,
    };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
  }

  #refuseWhenOut(): void {
    if (this.failure !== null) throw this.failure;
    if (this.#isClosed) throw new ClusterFailure("retry", "the log is closed", { reason: "LOG_UNREACHABLE" });
  }
}
