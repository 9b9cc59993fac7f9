import type { CallOptions } from "@grpc/grpc-js";
import type { Clock } from "@kakera/kernel";
import type { EtcdClient } from "./etcd-client.ts";
import { fateOf, outOfReach, outOfRoom } from "./etcd-failure.ts";
import type { TlsMaterial } from "./drivers/tls-by-address.ts";

export interface EtcdAccess {
  /** URLs of the members: `http://host:port`, `https://...`. */
  readonly endpoints: readonly string[];
  readonly auth?: { readonly username: string; readonly password: string };
  readonly tls?: TlsMaterial;
  /** Opens the client of one endpoint; absent: over gRPC. */
  readonly connect?: (endpoint: string) => EtcdClient;
}

/**
 * The members of an etcd, one client each: whom to ask is decided here and not by the library, whose own retries send transactions
 * again (correctness.md F3) and whose breaker opens when a message is large. Only its stubs are used.
 */
export class EtcdMembers {
  readonly #clients: readonly EtcdClient[];
  readonly #clock: Clock;
  readonly #memberDeadlineMs: number;
  #preferred = 0;
  #answeredMs: number;

  private constructor(clients: readonly EtcdClient[], parts: { clock: Clock; memberDeadlineMs: number }) {
    this.#clock = parts.clock;
    this.#memberDeadlineMs = parts.memberDeadlineMs;
    this.#answeredMs = parts.clock.monotonicMs();
    this.#clients = clients;
  }

  /** `memberDeadlineMs`: how long one member has for one answer. */
  static async open(access: EtcdAccess, parts: { clock: Clock; memberDeadlineMs: number }): Promise<EtcdMembers> {
    const connect = access.connect ?? (await overGrpc(access));
    return new EtcdMembers(access.endpoints.map(connect), parts);
  }

  get count(): number {
    return this.#clients.length;
  }

  /** So long no question was answered. */
  get silentMs(): number {
    return this.#clock.monotonicMs() - this.#answeredMs;
  }

  /** The member that is asked first. */
  get preferred(): EtcdClient {
    return this.#clients[this.#preferred % this.#clients.length] as EtcdClient;
  }

  /** The preferred member was no good. `suspected`: nothing is changed when another is preferred by now. */
  avoid(suspected: EtcdClient): void {
    if (this.preferred === suspected) this.#preferred = (this.#preferred + 1) % this.#clients.length;
  }

  /** One attempt at the preferred member. Rejects with what the library threw. */
  async once<T>(call: (client: EtcdClient, options: CallOptions) => Promise<T>): Promise<T> {
    const client = this.preferred;
    try {
      const answer = await call(client, this.#options());
      this.#answeredMs = this.#clock.monotonicMs();
      return answer;
    } catch (failure) {
      if (fateOf(failure) === "unknown") this.avoid(client);
      else this.#answeredMs = this.#clock.monotonicMs();
      throw failure;
    }
  }

  /**
   * Asks one member after the other until one answers definitely: for calls that may be done twice. Rejects with `retry` at the
   * deadline (by the clock's monotonic time), and at once when one refuses.
   */
  async insist<T>(
    what: string,
    deadlineMs: number,
    call: (client: EtcdClient, options: CallOptions) => Promise<T>,
  ): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.once(call);
      } catch (failure) {
        const fate = fateOf(failure);
        if (fate === "full") throw outOfRoom(what, failure);
        if (fate !== "unknown") throw outOfReach(`etcd refuses: ${what}`, failure);
        if (this.#clock.monotonicMs() >= deadlineMs) throw outOfReach(`etcd did not answer: ${what}`, failure);
        // All were asked: a moment, so that a refused connection is not asked a thousand times.
        if (attempt % this.#clients.length === 0) await this.#pause();
      }
    }
  }

  /** What each member answers; those that do not are left out. */
  async everyone<T>(call: (client: EtcdClient, options: CallOptions) => Promise<T>): Promise<T[]> {
    const outcomes = await Promise.allSettled(this.#clients.map((client) => call(client, this.#options())));
    return outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
  }

  close(): void {
    for (const client of this.#clients) client.close();
  }

  #options(): CallOptions {
    return { deadline: this.#clock.nowMs() + this.#memberDeadlineMs };
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => this.#clock.setTimer(pauseMs, resolve));
  }
}

const pauseMs = 50;

/** The library is loaded by who needs it: that takes as long as a fifth of the start of a server, and one machine has no etcd. */
async function overGrpc(access: EtcdAccess): Promise<(endpoint: string) => EtcdClient> {
  const { openGrpcClient } = await import("./drivers/grpc-client.ts");
  return (endpoint) => openGrpcClient(endpoint, access);
}
