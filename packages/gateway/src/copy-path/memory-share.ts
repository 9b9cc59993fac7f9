import { assert } from "@kakera/kernel";
import type { Budget } from "../memory-budget.ts";

/** Bytes of a budget that are taken already, for somebody who takes them again in his own time: then he need not wait. */
export class MemoryShare implements Budget {
  readonly bytesMax: number;
  readonly #budget: Budget;
  #untakenBytes: number;

  constructor(budget: Budget, bytes: number) {
    this.bytesMax = bytes;
    this.#budget = budget;
    this.#untakenBytes = bytes;
  }

  tryTake(bytes: number): boolean {
    assert(bytes <= this.#untakenBytes, "nobody takes more than was taken for him");
    this.#untakenBytes -= bytes;
    return true;
  }

  async take(bytes: number): Promise<void> {
    this.tryTake(bytes);
  }

  /** What was taken from here goes back to where it came from. */
  give(bytes: number): void {
    this.#budget.give(bytes);
  }

  /** Nothing more is taken: what was not goes back. */
  end(): void {
    this.#budget.give(this.#untakenBytes);
    this.#untakenBytes = 0;
  }
}
