import { anything, unnamed, type Change } from "./plan-steps.ts";

/** Operations without an outcome that nobody could tell apart, in the order of their calls. */
interface Alike {
  readonly change: Change;
  readonly bits: bigint[];
}

/**
 * Changes that may take effect at any time from now on, or never. Of those that do the same, the earliest is always the one that is
 * tried: which of them it was makes no difference to anybody.
 */
export class OpenChanges {
  /** By key, and what they need to find there. */
  readonly #alike = new Map<string, Alike[]>();
  #count = 0n;

  add(change: Change): void {
    const place = `${change.key}:${change.requires}`;
    const there = this.#alike.get(place) ?? [];
    this.#alike.set(place, there);
    const bit = 1n << this.#count++;
    const same = there.find((each) => each.change.writes === change.writes);
    if (same === undefined) there.push({ change, bits: [bit] });
    else same.bits.push(bit);
  }

  /** Somebody has certainly seen it: in every configuration that is left it has taken effect. */
  drop(seen: { readonly key: number; readonly value: number }): void {
    if (seen.value <= unnamed) return;
    for (const [place, there] of this.#alike) {
      if (!place.startsWith(`${seen.key}:`)) continue;
      const left = there.filter(({ change }) => change.writes !== seen.value);
      if (left.length < there.length) this.#alike.set(place, left);
    }
  }

  /** What may take effect next on that key and make a difference. */
  *possible(
    key: number,
    of: { readonly content: number; readonly spent: bigint },
  ): Generator<{ change: Change; bit: bigint }> {
    for (const requires of [anything, of.content])
      for (const { change, bits } of this.#alike.get(`${key}:${requires}`) ?? []) {
        if (change.writes === of.content) continue;
        const bit = firstUnspent(bits, of.spent);
        if (bit !== undefined) yield { change, bit };
      }
  }
}

/** They are spent in order, so it is found by halves. */
function firstUnspent(bits: readonly bigint[], spent: bigint): bigint | undefined {
  let [from, end] = [0, bits.length];
  while (from < end) {
    const middle = (from + end) >> 1;
    if ((spent & (bits[middle] as bigint)) === 0n) end = middle;
    else from = middle + 1;
  }
  return bits[from];
}
