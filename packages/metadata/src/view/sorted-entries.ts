export interface SortedEntry {
  readonly key: Buffer;
  value: Buffer;
  revision: number;
}

const leafEntriesMax = 256;

/** An ordered map from byte strings to values in memory: leaves of at most 256 entries in an array. */
export class SortedEntries {
  #leaves: SortedEntry[][] = [];
  #count = 0;

  get size(): number {
    return this.#count;
  }

  find(key: Uint8Array): SortedEntry | null {
    const leaf = this.#leaves[this.#leafOf(key)];
    if (leaf === undefined) return null;
    const entry = leaf[firstAtOrAbove(leaf, key)];
    return entry !== undefined && Buffer.compare(entry.key, key) === 0 ? entry : null;
  }

  /** Sets an entry that was not there. */
  insert(entry: SortedEntry): void {
    this.#count++;
    const leafIndex = this.#leafOf(entry.key);
    const leaf = this.#leaves[leafIndex];
    if (leaf === undefined) {
      this.#leaves.push([entry]);
      return;
    }
    const index = firstAtOrAbove(leaf, entry.key);
    leaf.splice(index, 0, entry);
    if (leaf.length <= leafEntriesMax) return;
    // Keys that come in order leave full leaves behind instead of halves.
    const isAppending = index === leaf.length - 1 && leafIndex === this.#leaves.length - 1;
    this.#leaves.splice(leafIndex + 1, 0, leaf.splice(isAppending ? leafEntriesMax : leafEntriesMax / 2));
  }

  /** Removes and returns the entry, or null when there is none. */
  remove(key: Uint8Array): SortedEntry | null {
    const leafIndex = this.#leafOf(key);
    const leaf = this.#leaves[leafIndex];
    if (leaf === undefined) return null;
    const index = firstAtOrAbove(leaf, key);
    const entry = leaf[index];
    if (entry === undefined || Buffer.compare(entry.key, key) !== 0) return null;
    leaf.splice(index, 1);
    if (leaf.length === 0) this.#leaves.splice(leafIndex, 1);
    this.#count--;
    return entry;
  }

  /** Entries from `from` on, in order. Must not be used across a change. */
  *from(from: Uint8Array): Generator<SortedEntry, void> {
    for (let leafIndex = this.#leafOf(from); leafIndex < this.#leaves.length; leafIndex++) {
      const leaf = this.#leaves[leafIndex] as SortedEntry[];
      for (let index = firstAtOrAbove(leaf, from); index < leaf.length; index++) yield leaf[index] as SortedEntry;
    }
  }

  /** The last entry below `to`, or null. */
  lastBelow(to: Uint8Array): SortedEntry | null {
    const leafIndex = this.#leafOf(to);
    const leaf = this.#leaves[leafIndex];
    if (leaf === undefined) return null;
    const entry = leaf[firstAtOrAbove(leaf, to) - 1];
    if (entry !== undefined) return entry;
    return this.#leaves[leafIndex - 1]?.at(-1) ?? null;
  }

  /** Index of the last leaf whose first key is not above `key`; 0 when all are above. */
  #leafOf(key: Uint8Array): number {
    let [low, high] = [0, this.#leaves.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (Buffer.compare((this.#leaves[middle] as SortedEntry[])[0]!.key, key) <= 0) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }
}

function firstAtOrAbove(leaf: readonly SortedEntry[], key: Uint8Array): number {
  let [low, high] = [0, leaf.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (Buffer.compare((leaf[middle] as SortedEntry).key, key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
