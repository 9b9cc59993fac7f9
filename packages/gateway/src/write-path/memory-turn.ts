import { MIB } from "@kakera/kernel";
import type { MemorySource } from "../memory-budget.ts";
import type { SlabLease } from "../slab-lease.ts";

/** So much of a body is taken in at least before others have their turn: stopping costs a round of the drives. */
const turnBytesMin = 8 * MIB;

/**
 * Long bodies share memory in turns: while others wait for it, one that has taken some of its body in gives back all that
 * it holds and waits behind them. So many slow uploads are all slow, and none is refused because the others take long.
 */
export class MemoryTurn {
  readonly #lease: SlabLease;
  readonly #source: MemorySource;
  readonly #signal: AbortSignal;
  readonly #wholeBytes: number;
  #takenBytes = 0;

  /** Of a body whose lease is unused. */
  constructor(lease: SlabLease, source: MemorySource, signal: AbortSignal) {
    this.#lease = lease;
    this.#source = source;
    this.#signal = signal;
    this.#wholeBytes = lease.unusedBytes;
  }

  /** So much more of the body was taken in. */
  spend(bytes: number): void {
    this.#takenBytes += bytes;
  }

  get isOver(): boolean {
    return this.#takenBytes >= turnBytesMin && this.#source.isContended;
  }

  /**
   * To be called when the body uses no memory. One that drives hang on goes on with what it has: who waits holds nothing
   * (correctness.md F26). Rejects as a take does.
   */
  async next(): Promise<void> {
    this.#takenBytes = 0;
    if (this.#lease.unusedBytes < this.#wholeBytes) return;
    await this.#lease.handOver((bytes) => this.#source.takeAgain(bytes, this.#signal));
  }
}
