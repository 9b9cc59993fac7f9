import type { CallOptions } from "@grpc/grpc-js";
import type { ICompare, ILeaseKeepAliveRequest, ILeaseKeepAliveResponse } from "etcd3";
import { newId, type Clock, type Logger, type Random, type SessionId, type Timer } from "@kakera/kernel";
import { hasRevision } from "./change-batch.ts";
import type { EtcdClient } from "./etcd-client.ts";
import { fateOf, outOfReach } from "./etcd-failure.ts";
import type { EtcdKeys } from "./etcd-keys.ts";
import type { EtcdMembers } from "./etcd-members.ts";
import type { EtcdSettings } from "./etcd-settings.ts";

export interface SessionParts {
  readonly members: EtcdMembers;
  readonly keys: EtcdKeys;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly settings: EtcdSettings;
  /** Absent: the key of a gateway's session, which batches compare. */
  readonly keyOf?: (session: SessionId) => Buffer;
}

/**
 * The leased key of one gateway process. Its mod_revision is the outer comparison of every batch: rewritten, no earlier attempt of a
 * batch can land any more; gone, nothing of this session can (correctness.md F3, F27 R1).
 */
export class EtcdSession {
  readonly id: SessionId;
  readonly key: Buffer;
  /** What else goes with this session is put under it. */
  readonly leaseId: string;
  readonly #parts: SessionParts;
  readonly #lost = new AbortController();
  readonly #createRevision: string;
  #revision: string;
  #leaseEndMs: number;
  #isClosed = false;
  #beat: Timer | null = null;

  private constructor(parts: SessionParts, made: Made) {
    this.#parts = parts;
    this.id = made.id;
    this.key = made.key;
    this.leaseId = made.leaseId;
    this.#leaseEndMs = made.leaseEndMs;
    this.#createRevision = made.revision;
    this.#revision = made.revision;
    this.#beatLater();
  }

  /** A session that nobody had before. Rejects with `retry` at the deadline. */
  static async open(parts: SessionParts, deadlineMs: number): Promise<EtcdSession> {
    const { members, keys, clock, random } = parts;
    const ttlSeconds = parts.settings.sessionTtlSeconds;
    let leaseEndMs = 0;
    const lease = await members.insist("grant a lease", deadlineMs, (client, options) => {
      leaseEndMs = endOfLease(clock.monotonicMs(), ttlSeconds);
      return client.leaseClient.leaseGrant({ TTL: ttlSeconds }, options);
    });
    const id = newId("session", random);
    const key = parts.keyOf?.(id) ?? keys.session(id);
    // Put twice by an attempt whose answer was lost, it is ours all the same: nobody else knows the id.
    const answer = await members.insist("register the session", deadlineMs, async (client, options) => {
      const put = { key, value: Buffer.alloc(0), lease: lease.ID };
      return client.kv.txn(
        { compare: [hasRevision(key, 0)], success: [{ request_put: put }], failure: [{ request_range: { key } }] },
        options,
      );
    });
    const revision = answer.succeeded
      ? answer.header.revision
      : answer.responses[0]?.response_range.kvs[0]?.mod_revision;
    if (revision === undefined) throw outOfReach("the session's key is gone");
    return new EtcdSession(parts, { id, key, leaseId: lease.ID, leaseEndMs, revision });
  }

  /** What a batch compares. */
  get revision(): string {
    return this.#revision;
  }

  get isLost(): boolean {
    return this.#lost.signal.aborted;
  }

  /** Aborted when it is lost. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Until then, by the clock's monotonic time, etcd keeps what is under the lease. */
  get leaseEndMs(): number {
    return this.#leaseEndMs;
  }

  /** A comparison that holds as long as the session is there, fenced or not. */
  get exists(): ICompare {
    return { key: this.key, target: 1, result: 0, create_revision: this.#createRevision };
  }

  lose(): void {
    if (this.isLost) return;
    this.#beat?.cancel();
    this.#parts.logger.log("warn", "etcd.session-lost", { session: this.id });
    this.#lost.abort(new Error("the session is lost"));
  }

  /**
   * Rewrites the key, so that no batch that was sent before can land, and reads the tail in the same transaction: whatever landed is at
   * or before it. "lost" when the key is gone. Rejects with `retry` at the deadline: nothing is known then.
   */
  async fence(deadlineMs: number): Promise<{ tailRevision: number } | "lost"> {
    const { members, keys } = this.#parts;
    const answer = await members.insist("rewrite the session", deadlineMs, (client, options) =>
      client.kv.txn(
        {
          compare: [this.exists],
          success: [
            { request_put: { key: this.key, value: Buffer.alloc(0), lease: this.leaseId } },
            { request_range: { key: keys.tail } },
          ],
          failure: [],
        },
        options,
      ),
    );
    if (!answer.succeeded) {
      this.lose();
      return "lost";
    }
    this.#revision = answer.header.revision;
    return { tailRevision: Number(answer.responses[1]?.response_range.kvs[0]?.mod_revision ?? 0) };
  }

  /** Gives the key back at once, where etcd can be reached. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#beat?.cancel();
    if (this.isLost) return;
    try {
      await this.#parts.members.once((client, options) =>
        client.leaseClient.leaseRevoke({ ID: this.leaseId }, options),
      );
    } catch {
      // The lease runs out by itself.
    }
  }

  #beatLater(): void {
    const { clock, settings } = this.#parts;
    this.#beat = clock.setTimer((settings.sessionTtlSeconds * 1000) / 4, () => void this.#keepAlive());
  }

  async #keepAlive(): Promise<void> {
    const { members, clock, logger, settings } = this.#parts;
    try {
      const deadlineMs = clock.monotonicMs() + (settings.sessionTtlSeconds * 1000) / 4;
      let sentMs = 0;
      const leftSeconds = await members.insist("keep the session's lease", deadlineMs, (client, options) => {
        sentMs = clock.monotonicMs();
        return beatOnce(client, this.leaseId, options);
      });
      if (leftSeconds <= 0) this.lose();
      else this.#leaseEndMs = endOfLease(sentMs, leftSeconds);
    } catch (failure) {
      if (!this.#isClosed) logger.log("warn", "etcd.keepalive-failed", { fate: fateOf(failure), cause: failure });
    }
    if (!this.isLost && !this.#isClosed) this.#beatLater();
  }
}

interface Made {
  readonly id: SessionId;
  readonly key: Buffer;
  readonly leaseId: string;
  readonly leaseEndMs: number;
  readonly revision: string;
}

/** Counted from when it was asked for, and a tenth sooner: etcd's clock may run faster. */
function endOfLease(sentMs: number, seconds: number): number {
  return sentMs + seconds * 900;
}

/** Seconds that the lease has; 0 = there is no such lease. */
async function beatOnce(client: EtcdClient, leaseId: string, options: CallOptions): Promise<number> {
  const stream = await client.leaseClient.leaseKeepAlive(options);
  return new Promise((resolve, reject) => {
    const duplex = stream as unknown as NodeJS.ReadWriteStream & {
      write(request: ILeaseKeepAliveRequest): boolean;
      cancel(): void;
    };
    duplex.once("data", (answer: ILeaseKeepAliveResponse) => {
      resolve(Number(answer.TTL));
      duplex.end();
    });
    // Also what comes after the answer is heard: an error that nobody hears ends the process.
    duplex.on("error", reject);
    duplex.once("end", () => reject(new Error("the stream ended without an answer")));
    duplex.write({ ID: leaseId });
  });
}
