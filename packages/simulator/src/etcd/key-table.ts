/** Rows in the order of their keys' bytes; keys are latin1 texts, one char for each byte. */
export class KeyTable<Row> {
  readonly #rows = new Map<string, Row>();
  #order: string[] = [];

  get(key: string): Row | undefined {
    return this.#rows.get(key);
  }

  set(key: string, row: Row): void {
    if (!this.#rows.has(key)) this.#order.splice(this.#at(key), 0, key);
    this.#rows.set(key, row);
  }

  delete(key: string): void {
    if (this.#rows.delete(key)) this.#order.splice(this.#at(key), 1);
  }

  /** Keys of [from, to); `to` null: of `from` on. */
  keysIn(from: string, to: string | null): string[] {
    return this.#order.slice(this.#at(from), to === null ? undefined : this.#at(to));
  }

  /** The first place whose key is not before `key`. */
  #at(key: string): number {
    let [low, high] = [0, this.#order.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#order[middle] as string) < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
