import { ClusterFailure, SECOND_MS, type SessionId } from "@kakera/kernel";
import type { ControlLink } from "./control-link.ts";

const askMsMax = 5 * SECOND_MS;
const sessionsMax = 10_000;

/** Whether sessions that left marks live, as the owner knows it: until it has said that one is gone, which is true for ever, it lives. */
export class LivenessAsker {
  readonly #link: ControlLink;
  readonly #gone = new Set<SessionId>();
  readonly #asked = new Set<SessionId>();

  constructor(link: ControlLink) {
    this.#link = link;
  }

  isLive(session: SessionId): boolean {
    if (this.#gone.has(session)) return false;
    if (!this.#asked.has(session)) void this.#ask(session);
    return true;
  }

  async #ask(session: SessionId): Promise<void> {
    this.#asked.add(session);
    try {
      const isLive = await this.#link.ask<boolean>("is-session-live", session, askMsMax);
      if (this.#gone.size >= sessionsMax) this.#gone.clear();
      if (!isLive) this.#gone.add(session);
    } catch (failure) {
      if (!(failure instanceof ClusterFailure)) throw failure;
    } finally {
      this.#asked.delete(session);
    }
  }
}
