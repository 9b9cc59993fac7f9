import { ClusterFailure, type Clock } from "@kakera/kernel";
import type { Connect, NodeConnection } from "./node-connection.ts";

export interface PoolSettings {
  readonly connectionsMax: number;
  /** Calls that wait for a connection; more are refused. */
  readonly waitingCallsMax: number;
  /** A connection that was not used for so long is closed, before the node does it. */
  readonly idleMsMax: number;
}

interface Waiting {
  readonly resolve: (connection: NodeConnection) => void;
  readonly reject: (failure: Error) => void;
}

/** A ticket for one call: what it gets is its own until it gives it back. */
export interface Claim {
  readonly connection: Promise<NodeConnection>;
  /** The call has ended without one; one that comes yet goes to the next. */
  cancel(): void;
}

/** The connections to one node. */
export class ConnectionPool {
  readonly #connect: Connect;
  readonly #clock: Clock;
  readonly #settings: PoolSettings;
  /** Last used last. */
  readonly #idle: { readonly connection: NodeConnection; readonly sinceMs: number }[] = [];
  readonly #inUse = new Set<NodeConnection>();
  readonly #waiting = new Set<Waiting>();
  #connectingCount = 0;
  #isClosed = false;

  constructor(connect: Connect, clock: Clock, settings: PoolSettings) {
    this.#connect = connect;
    this.#clock = clock;
    this.#settings = settings;
  }

  get waitingCount(): number {
    return this.#waiting.size;
  }

  /** Rejects with ClusterFailure when the pool is closed or too many wait, and with ConnectionLost when none can be opened. */
  claim(): Claim {
    if (this.#isClosed) return refused(new ClusterFailure("retry", "the node's client is closed"));
    if (this.#waiting.size >= this.#settings.waitingCallsMax)
      return refused(new ClusterFailure("retry", "too many calls wait for the node", { reason: "DRIVE_SLOW" }));
    const { promise, resolve, reject } = Promise.withResolvers<NodeConnection>();
    const waiting: Waiting = { resolve, reject };
    this.#waiting.add(waiting);
    this.#serve();
    return { connection: promise, cancel: () => this.#waiting.delete(waiting) };
  }

  /** After a call; one that is not usable any more makes room for another. */
  give(connection: NodeConnection): void {
    this.#inUse.delete(connection);
    if (connection.isUsable) {
      if (this.#isClosed) connection.destroy();
      else this.#idle.push({ connection, sinceMs: this.#clock.monotonicMs() });
    }
    this.#serve();
  }

  /** What is idle is not trusted any more: one of its kind was found closed. */
  dropIdle(): void {
    for (const { connection } of this.#idle.splice(0)) connection.destroy();
  }

  closeIdle(): void {
    const dueMs = this.#clock.monotonicMs() - this.#settings.idleMsMax;
    while (this.#idle[0] !== undefined && this.#idle[0].sinceMs <= dueMs) this.#idle.shift()?.connection.destroy();
  }

  /** Ends every call that is under way or waits. */
  close(): void {
    this.#isClosed = true;
    this.dropIdle();
    for (const connection of this.#inUse) connection.destroy();
    this.#rejectAll(new ClusterFailure("retry", "the node's client is closed"));
  }

  #serve(): void {
    for (const waiting of this.#waiting) {
      const connection = this.#takeIdle();
      if (connection === null) break;
      this.#waiting.delete(waiting);
      this.#inUse.add(connection);
      waiting.resolve(connection);
    }
    const openCount = this.#inUse.size + this.#idle.length + this.#connectingCount;
    const wanted = this.#waiting.size - this.#connectingCount;
    for (let count = Math.min(wanted, this.#settings.connectionsMax - openCount); count > 0; count--) this.#open();
  }

  #takeIdle(): NodeConnection | null {
    for (;;) {
      const last = this.#idle.pop();
      if (last === undefined) return null;
      if (last.connection.isUsable) return last.connection;
    }
  }

  #open(): void {
    this.#connectingCount += 1;
    this.#connect().then(
      (connection) => {
        this.#connectingCount -= 1;
        this.give(connection);
      },
      (failure: Error) => {
        this.#connectingCount -= 1;
        // Nobody is kept waiting for what cannot be had, unless calls are under way that will give theirs back.
        if (this.#inUse.size === 0) this.#rejectAll(failure);
      },
    );
  }

  #rejectAll(failure: Error): void {
    for (const { reject } of this.#waiting) reject(failure);
    this.#waiting.clear();
  }
}

function refused(failure: Error): Claim {
  return { connection: Promise.reject(failure), cancel: () => {} };
}
