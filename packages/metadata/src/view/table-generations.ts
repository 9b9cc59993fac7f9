import type { Key } from "../ports/view.ts";

const tablesMax = 256;

/** A number for each table of the key space that grows with every change within it. */
export class TableGenerations {
  readonly #generations = new Float64Array(tablesMax).fill(1);

  /** `earlier`: what an earlier process ended with; those who compare must not find a number again. */
  constructor(earlier: Float64Array | null = null) {
    if (earlier !== null) this.#generations.set(earlier);
  }

  of(table: number): number {
    return this.#generations[table] as number;
  }

  touch(key: Key): void {
    const table = key[0] as number;
    this.#generations[table] = this.of(table) + 1;
  }

  touchAll(): void {
    for (let table = 0; table < tablesMax; table++) this.#generations[table] = this.of(table) + 1;
  }
}
