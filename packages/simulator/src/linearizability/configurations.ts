/**
 * One way in which all that has happened so far may have taken effect. `settled` and `spent` are bits of operations under way: those that
 * may return, and, of them, the changes that cannot take effect any more. `spentOpen` are bits of the operations without an outcome
 * that have taken effect.
 */
export interface Configuration {
  readonly state: readonly number[];
  readonly settled: number;
  readonly spent: number;
  readonly spentOpen: bigint;
}

/**
 * Configurations of which none makes another needless. One does that has the same state, has settled at least the same, and has spent
 * at most the same: whatever may follow on the other may follow on it.
 */
export class Configurations {
  readonly #byState = new Map<string, Configuration[]>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Whether it is new; not if another one makes it needless. */
  add(configuration: Configuration): boolean {
    const key = configuration.state.join(",");
    const known = this.#byState.get(key);
    if (known === undefined) {
      this.#byState.set(key, [configuration]);
      this.#size++;
      return true;
    }
    if (known.some((other) => replaces(other, configuration))) return false;
    const left = known.filter((other) => !replaces(configuration, other));
    left.push(configuration);
    this.#size += left.length - known.length;
    this.#byState.set(key, left);
    return true;
  }

  *[Symbol.iterator](): IterableIterator<Configuration> {
    for (const known of this.#byState.values()) yield* known;
  }
}

function replaces(better: Configuration, worse: Configuration): boolean {
  return (
    (worse.settled & ~better.settled) === 0 &&
    (better.spent & ~worse.spent) === 0 &&
    (better.spentOpen === worse.spentOpen || (better.spentOpen & worse.spentOpen) === better.spentOpen)
  );
}
