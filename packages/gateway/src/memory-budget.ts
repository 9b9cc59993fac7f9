import { assert, ClusterFailure, SECOND_MS, type Clock, type Timer } from "@kakera/kernel";

/** Where bytes that were taken go back to, in one piece or in several. */
export type MemorySource = Pick<MemoryBudget, "give" | "isContended" | "takeAgain" | "watch" | "unwatch">;

/** Somebody who holds bytes while a client may keep him waiting. */
export interface Holder {
  /** Asked now and then while others wait for bytes: whether his client hardly brings anything. */
  isStalled(): boolean;
  /** Others need what he holds: he ends. */
  giveUp(): void;
}

/** Who waits for his next turn may wait so many times longer: part of his body is in already. */
const patienceOfReturning = 2;
/** Those who wait for their next turn are so many budgets' worth at most: beyond that nobody new is let in. */
const returningShareMax = 2;
/** So often holders are looked at while somebody waits. */
const stallLookMs = 1 * SECOND_MS;

/** Memory to be taken, from one place or from several. */
export interface Budget {
  /** The largest take. */
  readonly bytesMax: number;
  /** Null: not at once. */
  tryTake(bytes: number): MemorySource | null;
  /** Rejects as MemoryBudget's does. */
  take(bytes: number, signal: AbortSignal): Promise<MemorySource>;
}

/**
 * Bytes that all requests together may hold at one moment. A request takes everything it may need in one `take` before
 * it starts and waits for nothing while it holds some: so two half-served requests never wait for each other
 * (correctness.md F26). First come, first served: a big request is not starved by small ones. While somebody waits, holders
 * whose clients stall are made to end, so that nobody keeps memory from others by sending nothing.
 */
export class MemoryBudget {
  readonly bytesMax: number;
  readonly #clock: Clock;
  readonly #waitMsMax: number;
  readonly #waiters = new Set<Waiter>();
  readonly #holders = new Set<Holder>();
  #lookTimer: Timer | null = null;
  /** What those want that wait for their next turn. */
  #returningBytes = 0;
  #freeBytes: number;

  constructor(parts: { readonly clock: Clock }, settings: { readonly bytesMax: number; readonly waitMsMax: number }) {
    assert(settings.bytesMax > 0, "a budget has room");
    this.#clock = parts.clock;
    this.bytesMax = settings.bytesMax;
    this.#waitMsMax = settings.waitMsMax;
    this.#freeBytes = settings.bytesMax;
  }

  get freeBytes(): number {
    return this.#freeBytes;
  }

  get waiterCount(): number {
    return this.#waiters.size;
  }

  /** Whether `bytes` were taken at once, without a promise. */
  tryTake(bytes: number): boolean {
    assert(bytes >= 0 && bytes <= this.bytesMax, `${bytes} bytes fit into the budget of ${this.bytesMax}`);
    if (this.#waiters.size > 0 || bytes > this.#freeBytes) return false;
    this.#freeBytes -= bytes;
    return true;
  }

  /**
   * Resolves when `bytes` are taken. Rejects with ClusterFailure `retry` when none came free in time, or with the
   * signal's reason. What was taken goes back with `give`, in one piece or in several.
   */
  take(bytes: number, signal: AbortSignal): Promise<void> {
    return this.#take(bytes, { signal, isReturning: false });
  }

  /** As `take`, for somebody who gave all of his back for others to have their turn. */
  takeAgain(bytes: number, signal: AbortSignal): Promise<void> {
    return this.#take(bytes, { signal, isReturning: true });
  }

  /** Whether somebody waits. */
  get isContended(): boolean {
    return this.#waiters.size > 0;
  }

  #take(bytes: number, { signal, isReturning }: { signal: AbortSignal; isReturning: boolean }): Promise<void> {
    if (signal.aborted) return Promise.reject(signal.reason as Error);
    if (this.tryTake(bytes)) return Promise.resolve();
    if (isReturning) this.#returningBytes += bytes;
    const waitMsMax = isReturning ? patienceOfReturning * this.#waitMsMax : this.#waitMsMax;
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        waiter.timer.cancel();
        signal.removeEventListener("abort", onAbort);
        this.#waiters.delete(waiter);
        if (isReturning) this.#returningBytes -= bytes;
      };
      const fail = (reason: Error): void => {
        leave();
        reject(reason);
        this.#serve();
      };
      const onAbort = (): void => fail(signal.reason as Error);
      const timer = this.#clock.setTimer(waitMsMax, () =>
        fail(new ClusterFailure("retry", `no memory for ${bytes} bytes in flight came free in time`)),
      );
      const waiter: Waiter = {
        bytes,
        isReturning,
        timer,
        admit: () => {
          leave();
          resolve();
        },
      };
      this.#waiters.add(waiter);
      this.#lookLater();
      signal.addEventListener("abort", onAbort, { once: true });
    });
  }

  give(bytes: number): void {
    this.#freeBytes += bytes;
    assert(this.#freeBytes <= this.bytesMax, "no more is given back than was taken");
    this.#serve();
  }

  /** From now on until `unwatch`, he may be made to end. */
  watch(holder: Holder): void {
    this.#holders.add(holder);
  }

  unwatch(holder: Holder): void {
    this.#holders.delete(holder);
  }

  #lookLater(): void {
    if (this.#lookTimer !== null || this.#waiters.size === 0) return;
    this.#lookTimer = this.#clock.setTimer(stallLookMs, () => {
      this.#lookTimer = null;
      this.#endStalled();
      this.#lookLater();
    });
  }

  /** As many as there are waiting, those first that have held the longest. */
  #endStalled(): void {
    const stalled = [...this.#holders].filter((holder) => holder.isStalled());
    for (const holder of stalled.slice(0, this.#waiters.size)) {
      this.#holders.delete(holder);
      holder.giveUp();
    }
  }

  #serve(): void {
    for (const waiter of this.#waiters) {
      if (!waiter.isReturning && this.#returningBytes > returningShareMax * this.bytesMax) continue;
      if (waiter.bytes > this.#freeBytes) return;
      this.#freeBytes -= waiter.bytes;
      waiter.admit();
    }
  }
}

interface Waiter {
  readonly bytes: number;
  readonly isReturning: boolean;
  readonly timer: Timer;
  readonly admit: () => void;
}
