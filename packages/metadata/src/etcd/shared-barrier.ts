interface Round {
  readonly deadlineMs: number;
  readonly outcome: PromiseWithResolvers<void>;
}

/**
 * Many wait for one read: who asks while none is under way begins one; who asks while one is under way shares the next, as that one may
 * have been answered before (correctness.md F21). A read has until the deadline of who has waited longest for it: the time behind
 * another that comes to nothing counts, so that nobody waits for two of them.
 */
export class SharedBarrier {
  readonly #read: (deadlineMs: number) => Promise<void>;
  /** By the clock's monotonic time, for who asks now. */
  readonly #deadlineMs: () => number;
  #isUnderWay = false;
  #next: Round | null = null;

  constructor(read: (deadlineMs: number) => Promise<void>, deadlineMs: () => number) {
    this.#read = read;
    this.#deadlineMs = deadlineMs;
  }

  pass(): Promise<void> {
    this.#next ??= { deadlineMs: this.#deadlineMs(), outcome: Promise.withResolvers<void>() };
    const { promise } = this.#next.outcome;
    if (!this.#isUnderWay) void this.#go();
    return promise;
  }

  async #go(): Promise<void> {
    this.#isUnderWay = true;
    // All that is asked for within this turn goes with this one.
    await Promise.resolve();
    while (this.#next !== null) {
      const { deadlineMs, outcome } = this.#next;
      this.#next = null;
      try {
        await this.#read(deadlineMs);
        outcome.resolve();
      } catch (failure) {
        outcome.reject(failure);
      }
    }
    this.#isUnderWay = false;
  }
}
