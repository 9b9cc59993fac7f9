import type { IKeyValue } from "etcd3";
import { idBytes, sleep, type Clock, type Logger } from "@kakera/kernel";
import { hasRevision } from "./change-batch.ts";
import { fateOf, outOfReach } from "./etcd-failure.ts";
import type { EtcdKeys } from "./etcd-keys.ts";
import type { EtcdMembers } from "./etcd-members.ts";
import type { EtcdSession } from "./etcd-session.ts";
import type { SessionKeeper } from "./session-keeper.ts";

export interface TicketParts {
  readonly members: EtcdMembers;
  readonly keys: EtcdKeys;
  readonly sessions: SessionKeeper;
  readonly clock: Clock;
  readonly logger: Logger;
  /** So long one waits for others at most. */
  readonly waitMs: number;
}

const pollMs = 500;
const callMsMax = 10_000;
const giveMsMax = 60_000;

/**
 * One view at a time is read whole out of an etcd: all gateways begin together after a power cut, and would stop it for each other
 * (correctness.md F17). A key under the session's lease, so that it goes with who dies. It only saves work: who has waited for too long,
 * or cannot put it as etcd is full, reads without it.
 */
export class BootstrapTicket {
  readonly #parts: TicketParts;
  readonly #closing = new AbortController();

  constructor(parts: TicketParts) {
    this.#parts = parts;
  }

  /** Resolves when it is this process's turn, with what ends it. Rejects with `retry` when etcd cannot be reached, or after `close`. */
  async take(): Promise<() => void> {
    const { clock, sessions, logger, waitMs } = this.#parts;
    const untilMs = clock.monotonicMs() + waitMs;
    for (let isFirst = true; clock.monotonicMs() < untilMs; isFirst = false) {
      const session = await sessions.ensure(clock.monotonicMs() + callMsMax);
      const outcome = await this.#ask(session);
      if (outcome === "taken") return () => void this.#give(session);
      if (outcome === "full") break;
      if (isFirst) logger.log("info", "etcd.view-waits", { why: "another view is being read" });
      await sleep(clock, pollMs, this.#closing.signal);
    }
    return () => {};
  }

  close(): void {
    this.#closing.abort(new Error("the log is closed"));
  }

  async #ask(session: EtcdSession): Promise<"taken" | "another's" | "full"> {
    const { members, keys } = this.#parts;
    const value = Buffer.from(idBytes(session.id));
    const put = { key: keys.bootstrap, value, lease: session.leaseId };
    try {
      const answer = await members.once((client, options) =>
        client.kv.txn(
          {
            compare: [hasRevision(keys.bootstrap, 0), session.exists],
            success: [{ request_put: put }],
            failure: [{ request_range: { key: keys.bootstrap } }, { request_range: { key: session.key } }],
          },
          options,
        ),
      );
      if (answer.succeeded) return "taken";
      const [holder, own] = answer.responses.map(({ response_range: range }): IKeyValue | undefined => range.kvs[0]);
      if (own === undefined) session.lose();
      // By an attempt whose answer was lost.
      return holder?.value.equals(value) === true ? "taken" : "another's";
    } catch (failure) {
      if (fateOf(failure) === "full") return "full";
      throw outOfReach("no turn to read a view", failure);
    }
  }

  /** Insists, as the lease lives on with the session. */
  async #give(session: EtcdSession): Promise<void> {
    const { members, keys, clock, logger } = this.#parts;
    const isOwn = { key: keys.bootstrap, target: 3, result: 0, value: Buffer.from(idBytes(session.id)) } as const;
    try {
      await members.insist("give the turn on", clock.monotonicMs() + giveMsMax, (client, options) =>
        client.kv.txn(
          { compare: [isOwn], success: [{ request_delete_range: { key: keys.bootstrap } }], failure: [] },
          options,
        ),
      );
    } catch (failure) {
      if (!this.#closing.signal.aborted) logger.log("warn", "etcd.turn-not-given", { cause: failure });
    }
  }
}
