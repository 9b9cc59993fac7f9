import type { Clock } from "@kakera/kernel";

/** So many are not held back for others: the first of them has waited long enough. */
const heldMax = 64;

/**
 * Answers of one turn of the event loop go to their sockets together, at its end. A client that has nothing to do sleeps until its
 * answer comes, and to wake it costs the writer more than the write; of answers that leave in a row, only the first one does (ADR 0015).
 */
export class AnswerBurst {
  readonly #clock: Clock;
  #held: (() => void)[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `write` throws nothing. It is called before the next turn. */
  join(write: () => void): void {
    this.#held.push(write);
    if (this.#held.length === 1) this.#clock.atTurnEnd(() => this.leave());
    else if (this.#held.length === heldMax) this.leave();
  }

  /** Writes what is held at once: this turn may be the last. */
  leave(): void {
    const leaving = this.#held;
    this.#held = [];
    for (const write of leaving) write();
  }
}
