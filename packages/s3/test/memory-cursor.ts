import type { ListingCursor } from "../src/index.ts";

/** A cursor over keys in memory that counts what it is asked. */
export class MemoryCursor<Item> implements ListingCursor<Item> {
  readonly #entries: readonly { readonly key: Buffer; readonly item: Item }[];
  #position = -1;
  steps = 0;
  reads = 0;

  /** `entries`: key text and item, in any order. */
  constructor(entries: Iterable<readonly [key: string, item: Item]>) {
    this.#entries = [...entries]
      .map(([key, item]) => ({ key: Buffer.from(key, "utf8"), item }))
      .sort((a, b) => a.key.compare(b.key));
  }

  seek(key: Buffer): Buffer | null {
    this.steps++;
    this.#position = this.#entries.findIndex((entry) => entry.key.compare(key) >= 0);
    if (this.#position < 0) this.#position = this.#entries.length;
    return this.#entries[this.#position]?.key ?? null;
  }

  next(): Buffer | null {
    this.steps++;
    this.#position++;
    return this.#entries[this.#position]?.key ?? null;
  }

  read(): Item {
    this.reads++;
    return this.#entries[this.#position]!.item;
  }
}
