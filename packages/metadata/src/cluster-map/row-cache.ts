import type { Key, View } from "../ports/view.ts";

/** Decoded rows by name: a row is decoded again only when its revision changed. Rows that vanish are answered with null. */
export class RowCache<T extends object> {
  readonly #view: View;
  readonly #decode: (value: Uint8Array, revision: number) => T;
  readonly #rows = new Map<string, { readonly key: Key; revision: number; decoded: T | null }>();

  constructor(view: View, decode: (value: Uint8Array, revision: number) => T) {
    this.#view = view;
    this.#decode = decode;
  }

  get(name: string, makeKey: () => Key): T | null {
    let row = this.#rows.get(name);
    if (row === undefined) {
      row = { key: makeKey(), revision: 0, decoded: null };
      this.#rows.set(name, row);
    }
    const known = row;
    return this.#view.with(known.key, (value, revision) => {
      if (known.decoded !== null && known.revision === revision) return known.decoded;
      known.decoded = this.#decode(value, revision);
      known.revision = revision;
      return known.decoded;
    });
  }
}
