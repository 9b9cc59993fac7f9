import type { Key } from "../ports/view.ts";

/** A number for each table of the key space that grows with every change within it. In memory: it starts anew with the process. */
export class TableGenerations {
  readonly #generations = new Float64Array(256).fill(1);

  of(table: number): number {
    return this.#generations[table] as number;
  }

  touch(key: Key): void {
    const table = key[0] as number;
    this.#generations[table] = this.of(table) + 1;
  }

  touchAll(): void {
    for (let table = 0; table < this.#generations.length; table++) this.#generations[table] = this.of(table) + 1;
  }
}
