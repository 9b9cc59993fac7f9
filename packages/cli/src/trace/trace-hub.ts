import { SECOND_MS, type Clock, type Random, type Timer } from "@kakera/kernel";
import type { EndedRequest, RequestWatcher } from "@kakera/gateway";
import { CommandFailure } from "../command-failure.ts";
import { exitCodes } from "../exit-codes.ts";
import { matchesTrace, type TraceFilter } from "./trace-filter.ts";

/** A request, and the node that answered it; without one there is only one node. */
export interface TracedRequest extends EndedRequest {
  readonly node?: string;
}

/** What one who watches is told at a time. */
export interface TraceBatch {
  readonly requests: readonly TracedRequest[];
  /** That matched since the last batch, and came faster than they were fetched. */
  readonly droppedCount: number;
  /** `ending`: the server stops, and this was all. */
  readonly state: "going on" | "ending";
}

interface Subscription {
  readonly filter: TraceFilter;
  readonly ended: () => void;
  queue: TracedRequest[];
  droppedCount: number;
  /** Hands over what is there to the call that waits for it. */
  wake: (() => void) | null;
  lease: Timer;
}

/** Who watch at a time. */
const subscriptionsMax = 16;
/** Kept for each of them between two calls; some hundred bytes each. */
const queuedMax = 4_096;
const batchMax = 1_024;
const waitMsMax = 20 * SECOND_MS;
/** Who has not asked for so long is gone. */
const leaseMs = 60 * SECOND_MS;
/** A server that stops waits so long for those who are between two calls: they ask again at once, or they are gone. */
const endingMs = SECOND_MS;
const idBytes = 16;

/**
 * Ended requests for those who watch them. Each has a queue of its own with a bound, fetches it by calls that wait for the first request, and is
 * forgotten when he does not come back. As long as there is nobody, requests are not even looked at.
 */
export class TraceHub implements RequestWatcher {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #subscriptions = new Map<string, Subscription>();
  #isWatching = false;
  /** Called when the last one has been told that the server stops. null: it does not. */
  #ending: (() => void) | null = null;

  constructor({ clock, random }: { readonly clock: Clock; readonly random: Random }) {
    this.#clock = clock;
    this.#random = random;
  }

  get isWatching(): boolean {
    return this.#isWatching;
  }

  /**
   * Watches from now on; what it returns is the name for the other calls. `ended`: called when nobody watches under that name any more. Throws
   * CommandFailure when too many do.
   */
  open(filter: TraceFilter, ended: () => void = () => {}): string {
    if (this.#subscriptions.size >= subscriptionsMax)
      throw new CommandFailure("TOO_MANY_TRACES", `${subscriptionsMax} traces are being watched already`, {
        exitCode: exitCodes.unreachable,
        remedy: "again in a minute: one that nobody reads is ended then",
      });
    const id = Buffer.from(this.#random.bytes(idBytes)).toString("hex");
    this.#subscriptions.set(id, { filter, ended, queue: [], droppedCount: 0, wake: null, lease: this.#leaseOf(id) });
    this.#isWatching = true;
    return id;
  }

  /** What has come since the last call; waits for the first, at most `waitMs`. null: there is no such trace (any more). */
  async next(id: string, waitMs: number): Promise<TraceBatch | null> {
    const subscription = this.#subscriptions.get(id);
    if (subscription === undefined) return null;
    subscription.lease.cancel();
    subscription.wake?.();
    if (subscription.queue.length === 0 && this.#ending === null) {
      await new Promise<void>((resolve) => {
        const timer = this.#clock.setTimer(Math.min(waitMs, waitMsMax), resolve);
        subscription.wake = () => {
          timer.cancel();
          resolve();
        };
      });
      subscription.wake = null;
    }
    if (!this.#subscriptions.has(id)) return null;
    subscription.lease.cancel();
    subscription.lease = this.#leaseOf(id);
    const requests = subscription.queue.slice(0, batchMax);
    subscription.queue = subscription.queue.slice(batchMax);
    const { droppedCount } = subscription;
    subscription.droppedCount = 0;
    if (this.#ending === null || subscription.queue.length > 0) return { requests, droppedCount, state: "going on" };
    this.close(id);
    return { requests, droppedCount, state: "ending" };
  }

  close(id: string): void {
    const subscription = this.#subscriptions.get(id);
    if (subscription === undefined) return;
    subscription.lease.cancel();
    this.#subscriptions.delete(id);
    this.#isWatching = this.#subscriptions.size > 0;
    subscription.wake?.();
    subscription.ended();
    if (!this.#isWatching) this.#ending?.();
  }

  /**
   * The server stops: nobody is kept waiting. Resolves when each one has been told so, or has not come back for a second: one who is between two
   * calls would find nobody who listens, and could not tell a server that stopped from one that died.
   */
  async end(): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = this.#clock.setTimer(endingMs, resolve);
      this.#ending = () => {
        timer.cancel();
        resolve();
      };
      for (const { wake } of this.#subscriptions.values()) wake?.();
      if (!this.#isWatching) this.#ending();
    });
  }

  note(request: EndedRequest): void {
    for (const subscription of this.#subscriptions.values()) {
      if (matchesTrace(request, subscription.filter)) queue(subscription, request);
    }
  }

  /** Those of another node, which has looked at the filter and dropped some itself. */
  noteFor(id: string, requests: readonly TracedRequest[], droppedCount: number): void {
    const subscription = this.#subscriptions.get(id);
    if (subscription === undefined) return;
    for (const request of requests) queue(subscription, request);
    subscription.droppedCount += droppedCount;
  }

  /** Those of another process of this server, which has dropped some itself. */
  noteOthers(requests: readonly EndedRequest[], droppedCount: number): void {
    for (const request of requests) this.note(request);
    for (const subscription of this.#subscriptions.values()) subscription.droppedCount += droppedCount;
  }

  #leaseOf(id: string): Timer {
    return this.#clock.setTimer(leaseMs, () => this.close(id));
  }
}

function queue(subscription: Subscription, request: TracedRequest): void {
  if (subscription.queue.length >= queuedMax) subscription.droppedCount++;
  else subscription.queue.push(request);
  subscription.wake?.();
}
