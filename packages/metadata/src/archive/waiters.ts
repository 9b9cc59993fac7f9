/** Those who wait for something to come true, or for the end. */
export class Waiters {
  #waiting: { readonly isMet: () => boolean; readonly done: PromiseWithResolvers<void> }[] = [];
  #end: Error | null = null;

  /** Why everything that waits now or later is in vain; null while it is not. */
  get end(): Error | null {
    return this.#end;
  }

  /** Resolves when `isMet`, as seen at the next `wake`; rejects when the end comes before. */
  async until(isMet: () => boolean): Promise<void> {
    if (isMet()) return;
    if (this.#end !== null) throw this.#end;
    const done = Promise.withResolvers<void>();
    this.#waiting.push({ isMet, done });
    await done.promise;
  }

  wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const one of waiting) {
      if (one.isMet()) one.done.resolve();
      else if (this.#end !== null) one.done.reject(this.#end);
      else this.#waiting.push(one);
    }
  }

  giveUp(end: Error): void {
    this.#end = end;
    this.wake();
  }
}
