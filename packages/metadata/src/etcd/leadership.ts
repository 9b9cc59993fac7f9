import type { ITxnResponse } from "etcd3";
import { ClusterFailure, idBytes, type Clock, type Logger, type Timer } from "@kakera/kernel";
import { hasRevision } from "./change-batch.ts";
import { fateOf } from "./etcd-failure.ts";
import type { EtcdKeys } from "./etcd-keys.ts";
import type { EtcdMembers } from "./etcd-members.ts";
import type { EtcdSession } from "./etcd-session.ts";
import { LeaderWorks, type LeaderWork } from "./leader-works.ts";
import type { LateSessionKeeper } from "./late-session-keeper.ts";
import type { SessionKeeper } from "./session-keeper.ts";

export interface LeadershipParts {
  readonly members: EtcdMembers;
  readonly keys: EtcdKeys;
  /** This process' own, as a gateway. */
  readonly sessions: SessionKeeper;
  /** The lease under which it leads: shorter than a gateway's session, so that a leader that died is soon followed. */
  readonly lease: LateSessionKeeper;
  readonly clock: Clock;
  readonly logger: Logger;
  /** So often a process looks whether it leads, or may. */
  readonly pollMs: number;
  /** Makes room in an etcd that is full, once. */
  readonly makeRoom: () => Promise<void>;
}

/**
 * One key, `leader`, under the lease of a session: whoever puts it leads until the lease ends. It is asked for at every poll, and who has
 * it keeps it. Only an optimisation: see ClusterLog.
 */
export class Leadership {
  readonly #parts: LeadershipParts;
  readonly #works: LeaderWorks;
  /** Under which this process leads. */
  #session: EtcdSession | null = null;
  #poll: Timer | null = null;
  #doubt: Timer | null = null;
  #isClosed = false;

  constructor(parts: LeadershipParts) {
    this.#parts = parts;
    this.#works = new LeaderWorks(parts);
  }

  get isLeader(): boolean {
    return this.#session !== null && this.#surelyMs(this.#session) > 0;
  }

  start(): void {
    void this.#look();
  }

  lead(work: LeaderWork): void {
    this.#works.add(work);
  }

  /** Resolves when every work has settled, and the key is given up. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#poll?.cancel();
    this.#resign("the log is closed");
    await this.#works.settled();
    await this.#parts.lease.close();
  }

  async #look(): Promise<void> {
    const { clock, sessions, lease, pollMs } = this.#parts;
    let leading: EtcdSession | null = null;
    try {
      // A process that has nothing to do does not notice otherwise that its session is lost.
      await sessions.ensure(clock.monotonicMs() + pollMs);
      leading = await lease.ensure(clock.monotonicMs() + pollMs);
      await this.#ask(leading);
    } catch (failure) {
      await this.#afterFailure(failure, leading);
    }
    if (!this.#isClosed) this.#poll = clock.setTimer(pollMs, () => void this.#look());
  }

  async #afterFailure(cause: unknown, leading: EtcdSession | null): Promise<void> {
    const { logger } = this.#parts;
    const isFull = fateOf(cause) === "full" || (cause instanceof ClusterFailure && cause.reason === "LOG_SPACE");
    try {
      if (!isFull) throw cause;
      await this.#whenFull(leading);
    } catch (failure) {
      if (!this.#isClosed) logger.log("warn", "etcd.leader-unknown", { cause: failure });
    }
  }

  async #ask(session: EtcdSession): Promise<void> {
    const { members, keys } = this.#parts;
    const value = Buffer.from(idBytes(session.id));
    const answer = await members.once((client, options) =>
      client.kv.txn(
        {
          compare: [hasRevision(keys.leader, 0), session.exists],
          success: [{ request_put: { key: keys.leader, value, lease: session.leaseId } }],
          failure: [{ request_range: { key: keys.leader } }, { request_range: { key: session.key } }],
        },
        options,
      ),
    );
    if (this.#isClosed || session.isLost) return;
    if (answer.succeeded) {
      // Somebody has deleted the key, and another may have led meanwhile.
      this.#resign("the leader's key was gone");
      this.#take(session);
    } else this.#hear(answer, session);
  }

  /** At its quota etcd takes no leader's key, and grants no lease (`session`: null). Where there is none, the first of those that have a session makes room without it. */
  async #whenFull(session: EtcdSession | null): Promise<void> {
    const { members, keys, logger, makeRoom, sessions } = this.#parts;
    const { from, to } = keys.sessions;
    const answer = await members.once((client, options) =>
      client.kv.txn(
        {
          compare: [],
          success: [
            { request_range: { key: keys.leader } },
            { request_range: { key: from, range_end: to, limit: 1, keys_only: true } },
          ],
          failure: [],
        },
        options,
      ),
    );
    const [leader, first] = answer.responses.map(({ response_range: range }) => range.kvs[0]);
    const isOwn = session !== null && leader?.value.equals(idBytes(session.id)) === true;
    if (!isOwn) this.#resign("another one leads, or nobody");
    if (this.#isClosed || leader !== undefined || first?.key.equals(sessions.current.key) !== true) return;
    logger.log("warn", "etcd.full-without-a-leader", { reason: "LOG_SPACE" });
    await makeRoom();
  }

  #hear(answer: ITxnResponse, session: EtcdSession): void {
    const [leader, own] = answer.responses.map(({ response_range: range }) => range.kvs[0]);
    if (own === undefined) session.lose();
    // Also what was put by an attempt whose answer was lost.
    else if (leader?.value.equals(idBytes(session.id)) === true) this.#take(session);
    else this.#resign("another one leads");
  }

  #take(session: EtcdSession): void {
    if (this.#session === session || this.#surelyMs(session) <= 0) return;
    this.#session = session;
    session.lost.addEventListener("abort", () => {
      if (this.#session === session) this.#resign("the session is lost");
    });
    this.#parts.logger.log("info", "etcd.leads", { session: session.id });
    this.#doubtLater(session);
    this.#works.begin();
  }

  #resign(why: string): void {
    if (this.#session === null) return;
    this.#parts.logger.log("info", "etcd.leads-no-more", { session: this.#session.id, why });
    this.#session = null;
    this.#doubt?.cancel();
    this.#works.end(why);
  }

  /** The lease may be over before a poll says so: etcd cannot be reached. */
  #doubtLater(session: EtcdSession): void {
    this.#doubt = this.#parts.clock.setTimer(Math.max(0, this.#surelyMs(session)), () => {
      if (this.#session !== session) return;
      if (this.#surelyMs(session) > 0) this.#doubtLater(session);
      else this.#resign("the session's lease may be over");
    });
  }

  /** So long nobody else can have the key. */
  #surelyMs(session: EtcdSession): number {
    return session.leaseEndMs - this.#parts.clock.monotonicMs();
  }
}
