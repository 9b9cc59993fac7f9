type Labels = Readonly<Record<string, string>>;

/**
 * One value of a metric for each set of labels. prom-client sorts, checks and hashes the labels at every call, which costs a small
 * request more than its signature's HMAC; here a call joins the values in their declared order and looks them up.
 */
export class LabelledSeries<Value> {
  readonly #names: readonly string[];
  readonly #make: () => Value;
  readonly #series = new Map<string, { readonly labels: Labels; readonly value: Value }>();

  constructor(names: readonly string[], make: () => Value) {
    this.#names = names;
    this.#make = make;
  }

  at(labels: Labels): Value {
    let key = "";
    for (const name of this.#names) key += `${labels[name] ?? ""}\u0000`;
    const known = this.#series.get(key);
    if (known !== undefined) return known.value;
    const unknown = Object.keys(labels).find((name) => !this.#names.includes(name));
    if (unknown !== undefined) throw new TypeError(`the label ${unknown} is not one of ${this.#names.join(", ")}`);
    const made = { labels: { ...labels }, value: this.#make() };
    this.#series.set(key, made);
    return made.value;
  }

  [Symbol.iterator](): IterableIterator<{ readonly labels: Labels; readonly value: Value }> {
    return this.#series.values();
  }
}
