import { tableByte, type Table } from "../key-space.ts";
import type { View } from "../ports/view.ts";

/** Something read out of some tables of the view: read again only when one of them has changed since. */
export class AtGeneration<T> {
  readonly #view: View;
  readonly #tables: readonly number[];
  readonly #read: () => T;
  #found: { readonly value: T; readonly generation: number } | null = null;

  constructor(view: View, tables: readonly Table[], read: () => T) {
    this.#view = view;
    this.#tables = tables.map(tableByte);
    this.#read = read;
  }

  get(): T {
    // Each only grows, so that the sum says whether any did.
    let generation = 0;
    for (const table of this.#tables) generation += this.#view.generation(table);
    if (this.#found !== null && this.#found.generation === generation) return this.#found.value;
    const value = this.#read();
    this.#found = { value, generation };
    return value;
  }
}
