import type { Table } from "../key-space.ts";
import type { Key, View } from "../ports/view.ts";
import { AtGeneration } from "./at-generation.ts";

interface Row<T> {
  /** As the view has it. */
  readonly current: AtGeneration<T | null>;
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
  readonly #rows = new Map<string, Row<T>>();

  constructor(view: View, table: Table, decode: (value: Uint8Array, revision: number) => T) {
    this.#view = view;
    this.#table = table;
    this.#decode = decode;
  }

  get(name: string, makeKey: () => Key): T | null {
    let row = this.#rows.get(name);
    if (row === undefined) {
      const key = makeKey();
      const made: Row<T> = {
        current: new AtGeneration(this.#view, [this.#table], () => this.#read(key, made)),
        revision: 0,
        decoded: null,
      };
      row = made;
      this.#rows.set(name, row);
    }
    return row.current.get();
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
