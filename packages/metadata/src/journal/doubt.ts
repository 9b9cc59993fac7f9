import { isRowOfAnswers } from "../key-space.ts";
import type { KeyRange } from "../ports/commit-log.ts";
import type { Key, ViewWrite } from "../ports/view.ts";

/**
 * What a batch changed of which nobody can say whether it was acknowledged, or will be found again: the rows that clients
 * are told of. What the store keeps for itself (drives, groups, garbage, repair) may be read as it was before: bytes that
 * are read are verified, whatever it says of where they lie.
 */
export class Doubt {
  /** In order, each once. */
  readonly #keys: readonly Buffer[];
  readonly #ranges: readonly KeyRange[];

  constructor(writes: readonly ViewWrite[]) {
    const keys: Buffer[] = [];
    const ranges: KeyRange[] = [];
    for (const write of writes) {
      if (write.kind === "delete-range") {
        if (isRowOfAnswers(write.from)) ranges.push({ from: Buffer.from(write.from), to: Buffer.from(write.to) });
      } else if (isRowOfAnswers(write.key)) keys.push(Buffer.from(write.key));
    }
    this.#keys = keys.sort((a, b) => Buffer.compare(a, b));
    this.#ranges = ranges;
  }

  /** Where the first doubt begins that does not end before `from`; null when there is none. */
  next(from: Key): Key | null {
    let next: Key | null = this.#keys[this.#firstIndex(from)] ?? null;
    for (const range of this.#ranges) {
      if (Buffer.compare(range.to, from) <= 0) continue;
      if (next === null || Buffer.compare(range.from, next) < 0) next = range.from;
    }
    return next;
  }

  /** Index of the first key at or behind `from`. */
  #firstIndex(from: Key): number {
    let [low, high] = [0, this.#keys.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (Buffer.compare(this.#keys[middle] as Buffer, from) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
