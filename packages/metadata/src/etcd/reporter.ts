import type { ICompare, ITxnResponse } from "etcd3";
import { assert, type Clock, type Logger, type SessionId, type Timer } from "@kakera/kernel";
import { hasRevision } from "./change-batch.ts";
import type { EtcdKeys } from "./etcd-keys.ts";
import type { EtcdMembers } from "./etcd-members.ts";
import { encodeReport, type ReportedMarks } from "./position-report.ts";
import type { SessionKeeper } from "./session-keeper.ts";

export interface ReporterParts {
  readonly members: EtcdMembers;
  readonly keys: EtcdKeys;
  readonly sessions: SessionKeeper;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly reportMs: number;
  /** From where on the view needs etcd's history; 0 = not known yet. */
  readonly viewRevision: () => number;
}

/** Another one of this process was there before: it is looked at, and replaced. */
const attemptsMax = 2;
/** Holds of one process are few and named in its code. */
const holdsMax = 16;

/**
 * Tells the others how far this process is, so that no history is compacted that it needs. Beside the session's key, under the same lease:
 * that key's revision is what batches under way compare.
 */
export class Reporter {
  readonly #parts: ReporterParts;
  readonly #holds = new Map<string, () => number | null>();
  #marks: () => ReportedMarks = () => ({ readsFrom: 0, writesFrom: 0, writeFloor: 0 });
  #timer: Timer | null = null;
  #isClosed = false;
  /** What is in etcd, as far as is known, and at which revision it came there; "0": nothing. */
  #last: { session: SessionId; value: Buffer | null; revision: string } | null = null;

  constructor(parts: ReporterParts) {
    this.#parts = parts;
  }

  start(): void {
    void this.#run();
  }

  hold(name: string, revision: () => number | null): void {
    assert(!this.#holds.has(name) && this.#holds.size < holdsMax, `the hold ${name} is new, and one of few`);
    this.#holds.set(name, revision);
  }

  reportMarks(marks: () => ReportedMarks): void {
    this.#marks = marks;
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  async #run(): Promise<void> {
    const { clock, logger, reportMs } = this.#parts;
    try {
      await this.#report();
    } catch (failure) {
      if (!this.#isClosed) logger.log("warn", "etcd.report-failed", { cause: failure });
    }
    if (!this.#isClosed) this.#timer = clock.setTimer(reportMs, () => void this.#run());
  }

  async #report(): Promise<void> {
    const { members, keys, sessions, viewRevision } = this.#parts;
    const session = sessions.current;
    const value = encodeReport({
      viewRevision: viewRevision(),
      heldRevision: this.#heldRevision(),
      ...this.#marks(),
    });
    if (session.isLost) return;
    if (this.#last?.session !== session.id) this.#last = { session: session.id, value: null, revision: "0" };
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      // A report is a revision itself: where nothing happens, none is made.
      if (this.#last.value?.equals(value) === true) return;
      const key = keys.report(session.id);
      const put = { key, value, lease: session.leaseId };
      // Only over what was there before: one that was sent earlier, and lands later, must not take this one's place.
      const compare: ICompare[] = [session.exists, hasRevision(key, this.#last.revision)];
      const failure = [{ request_range: { key: session.key } }, { request_range: { key } }];
      const answer: ITxnResponse = await members.once((client, options) =>
        client.kv.txn({ compare, success: [{ request_put: put }], failure }, options),
      );
      if (answer.succeeded) {
        this.#last = { session: session.id, value, revision: answer.header.revision };
        return;
      }
      const [own, there] = answer.responses.map(({ response_range: range }) => range.kvs[0]);
      if (own === undefined) return session.lose();
      this.#last = { session: session.id, value: there?.value ?? null, revision: there?.mod_revision ?? "0" };
    }
  }

  #heldRevision(): number | null {
    const revisions = [...this.#holds.values()].flatMap((revision) => revision() ?? []);
    return revisions.length === 0 ? null : Math.min(...revisions);
  }
}
