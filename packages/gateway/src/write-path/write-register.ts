import { assert } from "@kakera/kernel";

/**
 * Numbers this session's writes, and knows below which number all are decided: committed, or given up and discarded (R8).
 * The shards of a write below the floor that no record names are orphans, though the session lives.
 */
export class WriteRegister {
  #next = 1;
  #floor = 1;
  readonly #decided = new Set<number>();
  readonly #onDecided: (writeNumber: number) => void;

  constructor(onDecided: (writeNumber: number) => void) {
    this.#onDecided = onDecided;
  }

  /** The number of a write that begins now. */
  begin(): number {
    return this.#next++;
  }

  /** The record that names the write's body is committed, or never will be. */
  decide(writeNumber: number): void {
    assert(writeNumber < this.#next, "only a write that began is decided");
    if (writeNumber < this.#floor) return;
    this.#decided.add(writeNumber);
    this.#onDecided(writeNumber);
    while (this.#decided.delete(this.#floor)) this.#floor++;
  }

  /** A mark at this moment. */
  set(): number {
    return this.#next;
  }

  /** Whether every write that began before the mark was set is decided. Once true, true for ever. */
  isPassed(mark: number): boolean {
    return this.#floor >= mark;
  }

  /** Every write with a lower number is decided. */
  get floor(): number {
    return this.#floor;
  }
}
