/**
 * The headers of a request by lower-case name. Values are as sent, one char per byte (latin1). A request has some ten
 * headers, so looking through them all is cheaper than building a map, and no name (`__proto__`) is special.
 */
export class HeaderIndex {
  readonly #names: readonly string[];
  readonly #values: readonly string[];

  /** `rawHeaders`: name, value, name, value, ... */
  constructor(rawHeaders: readonly string[]) {
    const names: string[] = [];
    const values: string[] = [];
    for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
      names.push(rawHeaders[i]!.toLowerCase());
      values.push(rawHeaders[i + 1]!);
    }
    this.#names = names;
    this.#values = values;
  }

  get count(): number {
    return this.#names.length;
  }

  nameAt(index: number): string {
    return this.#names[index]!;
  }

  valueAt(index: number): string {
    return this.#values[index]!;
  }

  has(name: string): boolean {
    return this.#names.includes(name);
  }

  /** The first value of that name, or null. */
  first(name: string): string | null {
    const index = this.#names.indexOf(name);
    return index < 0 ? null : this.#values[index]!;
  }

  /** All values of that name, in the order sent. */
  all(name: string): string[] {
    return this.#values.filter((_, index) => this.#names[index] === name);
  }

  /** All values of that name joined by a comma, as HTTP defines lists; null when there is none. */
  joined(name: string): string | null {
    const first = this.#names.indexOf(name);
    if (first < 0) return null;
    if (this.#names.indexOf(name, first + 1) < 0) return this.#values[first]!;
    return this.all(name).join(",");
  }

  /** name, value, ... with lower-case names. */
  toRawHeaders(): string[] {
    return this.#names.flatMap((name, index) => [name, this.#values[index]!]);
  }
}
