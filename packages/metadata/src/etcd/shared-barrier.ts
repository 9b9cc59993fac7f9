/**
 * Many wait for one read: who asks while none is under way begins one; who asks while one is under way shares the next, as that one may
 * have been answered before (correctness.md F21).
 */
export class SharedBarrier {
  readonly #read: () => Promise<void>;
  #isUnderWay = false;
  #next: { promise: Promise<void>; resolve: () => void; reject: (failure: unknown) => void } | null = null;

  constructor(read: () => Promise<void>) {
    this.#read = read;
  }

  pass(): Promise<void> {
    this.#next ??= Promise.withResolvers<void>();
    const { promise } = this.#next;
    if (!this.#isUnderWay) void this.#go();
    return promise;
  }

  async #go(): Promise<void> {
    this.#isUnderWay = true;
    // All that is asked for within this turn goes with this one.
    await Promise.resolve();
    while (this.#next !== null) {
      const round = this.#next;
      this.#next = null;
      try {
        await this.#read();
        round.resolve();
      } catch (failure) {
        round.reject(failure);
      }
    }
    this.#isUnderWay = false;
  }
}
