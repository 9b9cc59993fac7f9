import type { OrderedStore, StoreChange } from "./ordered-store.ts";

/** An index in memory: rebuilt at each start. For tests and for very small drives. */
export function createMemoryStore(): OrderedStore {
  return new MemoryStore();
}

class MemoryStore implements OrderedStore {
  readonly #values = new Map<string, Buffer>();
  /** All keys in order. */
  #sorted: string[] = [];

  get(key: Buffer): Buffer | undefined {
    return this.#values.get(key.toString("latin1"));
  }

  range(from: Buffer, until: Buffer, limit: number): [Buffer, Buffer][] {
    const end = until.toString("latin1");
    const found: [Buffer, Buffer][] = [];
    for (let at = firstNotBelow(this.#sorted, from.toString("latin1")); found.length < limit; at++) {
      const key = this.#sorted[at];
      if (key === undefined || key >= end) break;
      found.push([Buffer.from(key, "latin1"), this.#values.get(key)!]);
    }
    return found;
  }

  transact(work: (change: StoreChange) => void): void {
    const undo: (() => void)[] = [];
    const set = (name: string, value: Buffer | undefined): void => {
      const before = this.#values.get(name);
      undo.push(() => this.#set(name, before));
      this.#set(name, value);
    };
    try {
      work({
        get: (key) => this.get(key),
        put: (key, value) => set(key.toString("latin1"), Buffer.from(value)),
        delete: (key) => set(key.toString("latin1"), undefined),
      });
    } catch (error) {
      for (const step of undo.reverse()) step();
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#values.clear();
    this.#sorted = [];
  }

  #set(name: string, value: Buffer | undefined): void {
    if (value === undefined) {
      if (this.#values.delete(name)) this.#sorted.splice(firstNotBelow(this.#sorted, name), 1);
      return;
    }
    if (!this.#values.has(name)) this.#sorted.splice(firstNotBelow(this.#sorted, name), 0, name);
    this.#values.set(name, value);
  }
}

function firstNotBelow(sorted: readonly string[], wanted: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
