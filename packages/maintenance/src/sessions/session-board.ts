import { ClusterFailure, SECOND_MS, sleep, type Clock, type Logger, type SessionId } from "@kakera/kernel";
import type { ClusterLog, LiveSession, ReportedMarks } from "@kakera/metadata";
import type { Sessions } from "../ports/sessions.ts";
import type { Watermarks } from "../ports/watermarks.ts";

const refreshMs = 5 * SECOND_MS;
const askedMax = 10_000;

/** What all sessions of the cluster have reported, as far as this process has heard. Each answer, once true, is true for ever. */
export class SessionBoard implements Sessions {
  readonly reads: Watermarks = this.#watermarks("readsFrom");
  readonly writes: Watermarks = this.#watermarks("writesFrom");
  readonly #log: ClusterLog;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #sessions: ReadonlyMap<SessionId, LiveSession> = new Map();
  /** Readings that were begun, and which of them gave the list; 0: none yet. */
  #begun = 0;
  #listed = 0;
  /** Sessions that were asked for and in no list, and how many readings were begun then. */
  readonly #asked = new Map<SessionId, number>();

  constructor(parts: { readonly log: ClusterLog; readonly clock: Clock; readonly logger: Logger }) {
    this.#log = parts.log;
    this.#clock = parts.clock;
    this.#logger = parts.logger;
  }

  /** Reads the list again and again, until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const reading = ++this.#begun;
        const sessions = await this.#log.readSessions();
        if (sessions !== null) [this.#sessions, this.#listed] = [sessions, reading];
      } catch (failure) {
        if (!(failure instanceof ClusterFailure)) throw failure;
        this.#logger.log("info", "sessions.not-read", { error: failure });
      }
      await sleep(this.#clock, refreshMs, signal).catch(() => undefined);
    }
  }

  isLive(session: SessionId): boolean {
    if (this.#sessions.has(session)) return true;
    const asked = this.#asked.get(session);
    if (asked !== undefined) return asked >= this.#listed;
    // It may have begun after the list was read, also after that of a reading under way: only a reading that begins now proves it gone.
    if (this.#asked.size >= askedMax) this.#asked.clear();
    this.#asked.set(session, this.#begun);
    return true;
  }

  floorOf(session: SessionId): number {
    if (!this.isLive(session)) return this.#log.identity.keepsUnproven ? 0 : Infinity;
    return this.#sessions.get(session)?.report?.writeFloor ?? 0;
  }

  #watermarks(kind: Exclude<keyof ReportedMarks, "writeFloor">): Watermarks {
    return {
      set: () => this.#log.view.appliedRevision,
      isPassed: (mark) =>
        // A list without this process is older than its session, and says nothing of what began since.
        this.#sessions.has(this.#log.session) &&
        [...this.#sessions.values()].every(
          // What began later than the mark has nothing older under way.
          ({ createRevision, report }) => createRevision > mark || (report?.[kind] ?? 0) >= mark,
        ),
    };
  }
}
