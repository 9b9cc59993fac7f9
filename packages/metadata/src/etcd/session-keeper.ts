import type { SessionId } from "@kakera/kernel";
import type { EtcdSession, SessionParts } from "./etcd-session.ts";
import { openSession } from "./open-session.ts";

/** The session of this process, and a new one when it was lost: changes of the old one are not sent under it (correctness.md F27 R2). */
export class SessionKeeper {
  readonly #parts: SessionParts;
  #session: EtcdSession;
  #opening: Promise<void> | null = null;

  constructor(parts: SessionParts, session: EtcdSession) {
    this.#parts = parts;
    this.#session = session;
  }

  get current(): EtcdSession {
    return this.#session;
  }

  get id(): SessionId {
    return this.#session.id;
  }

  /** Resolves with a session that is not known to be lost. Rejects with `retry` at the deadline. */
  async ensure(deadlineMs: number): Promise<EtcdSession> {
    if (!this.#session.isLost) return this.#session;
    this.#opening ??= this.#open(deadlineMs).finally(() => (this.#opening = null));
    await this.#opening;
    return this.#session;
  }

  async #open(deadlineMs: number): Promise<void> {
    this.#session = await openSession(this.#parts, deadlineMs);
    this.#parts.logger.log("info", "etcd.session-opened", { session: this.#session.id });
  }

  close(): Promise<void> {
    return this.#session.close();
  }
}
