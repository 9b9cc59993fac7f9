/** A token bucket: of all shard reads only so large a share may be extra ones (late binding must not double the load). */
export class HedgeBudget {
  readonly #share: number;
  #tokens: number;

  constructor(share: number) {
    this.#share = share;
    this.#tokens = tokensMax;
  }

  /** A shard read that had to be. */
  earn(): void {
    this.#tokens = Math.min(tokensMax, this.#tokens + this.#share);
  }

  /** Whether so many extra reads may be made now. */
  spend(count: number): boolean {
    if (this.#tokens < count) return false;
    this.#tokens -= count;
    return true;
  }
}

/** A burst after a quiet time: a drive that hangs meets many readers at once. */
const tokensMax = 32;
