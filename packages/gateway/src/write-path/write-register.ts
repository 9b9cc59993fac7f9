import { assert, ClusterFailure } from "@kakera/kernel";

/**
 * Numbers this process' writes, and knows below which number all are decided: committed, or given up and discarded (R8).
 * The shards of a write below the floor that no record names are orphans, though the session lives.
 *
 * Processes that share a session take their numbers from blocks of their own. A process that writes nothing moves on to newer blocks
 * all the same: the lowest of all their floors is that of the session.
 */
export class WriteRegister {
  #next = 1;
  #end = Number.POSITIVE_INFINITY;
  /** Rising. */
  readonly #undecided = new Set<number>();
  readonly #onDecided: (writeNumber: number) => void;

  constructor(onDecided: (writeNumber: number) => void) {
    this.#onDecided = onDecided;
  }

  /** The number of a write that begins now. Throws ClusterFailure `retry` when there is none left. */
  begin(): number {
    if (this.#next >= this.#end) throw new ClusterFailure("retry", "this process waits for numbers for its writes");
    const writeNumber = this.#next++;
    this.#undecided.add(writeNumber);
    return writeNumber;
  }

  /** The record that names the write's body is committed, or never will be. */
  decide(writeNumber: number): void {
    assert(writeNumber < this.#next, "only a write that began is decided");
    if (this.#undecided.delete(writeNumber)) this.#onDecided(writeNumber);
  }

  /** Writes that begin from now on have numbers of [start, end): nobody else's, and above all that were given so far. */
  moveOn({ start, end }: WriteNumbers): void {
    assert(start >= this.#next && end > start, "blocks of write numbers rise");
    this.#next = start;
    this.#end = end;
  }

  /** A mark at this moment. */
  set(): number {
    return this.#next;
  }

  /** Whether every write that began before the mark was set is decided. Once true, true for ever. */
  isPassed(mark: number): boolean {
    return this.floor >= mark;
  }

  /** Every write with a lower number is decided. */
  get floor(): number {
    for (const lowest of this.#undecided) return lowest;
    return this.#next;
  }
}

/** [start, end) */
export interface WriteNumbers {
  readonly start: number;
  readonly end: number;
}
