import type { Table } from "../key-space.ts";
import type { Key, View } from "../ports/view.ts";
import { AtGeneration } from "./at-generation.ts";

/** What was decoded last. */
interface Row<T> {
  revision: number;
  decoded: T | null;
}

/**
 * Decoded rows of one table by name: a row is looked up again only when the table has changed, and decoded again only when its own revision
 * changed. Rows that vanish are answered with null.
 */
export class RowCache<T extends object> {
  readonly #view: View;
  readonly #table: Table;
  readonly #decode: (value: Uint8Array, revision: number) => T;
  readonly #rows = new Map<string, AtGeneration<T | null>>();

  constructor(view: View, table: Table, decode: (value: Uint8Array, revision: number) => T) {
    this.#view = view;
    this.#table = table;
    this.#decode = decode;
  }

  get(name: string, makeKey: () => Key): T | null {
    let row = this.#rows.get(name);
    if (row === undefined) {
      row = this.follow(makeKey());
      this.#rows.set(name, row);
    }
    return row.get();
  }

  /** A row to be asked again and again by somebody who keeps its reader. */
  follow(key: Key): AtGeneration<T | null> {
    const row: Row<T> = { revision: 0, decoded: null };
    return new AtGeneration(this.#view, [this.#table], () => this.#read(key, row));
  }

  #read(key: Key, row: Row<T>): T | null {
    return this.#view.with(key, (value, revision) => {
      if (row.decoded === null || row.revision !== revision) {
        row.decoded = this.#decode(value, revision);
        row.revision = revision;
      }
      return row.decoded;
    });
  }
}
