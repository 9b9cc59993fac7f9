import { assert } from "@kakera/kernel";
import type { Budget, MemorySource } from "../memory-budget.ts";

/** Bytes of a budget that are taken already, for somebody who takes them again in his own time: then he need not wait. */
export class MemoryShare implements Budget {
  readonly bytesMax: number;
  readonly #source: MemorySource;
  #untakenBytes: number;

  /** `bytes` were taken from `source`. */
  constructor(source: MemorySource, bytes: number) {
    this.bytesMax = bytes;
    this.#source = source;
    this.#untakenBytes = bytes;
  }

  tryTake(bytes: number): MemorySource {
    assert(bytes <= this.#untakenBytes, "nobody takes more than was taken for him");
    this.#untakenBytes -= bytes;
    const source = this.#source;
    return {
      give: (given) => source.give(given),
      watch: (holder) => source.watch(holder),
      unwatch: (holder) => source.unwatch(holder),
      takeAgain: (again, signal) => source.takeAgain(again, signal),
      // He shares with another, who would go on holding his part while this one waits.
      isContended: false,
    };
  }

  async take(bytes: number): Promise<MemorySource> {
    return this.tryTake(bytes);
  }

  /** Nothing more is taken: what was not goes back. */
  end(): void {
    this.#source.give(this.#untakenBytes);
    this.#untakenBytes = 0;
  }
}
