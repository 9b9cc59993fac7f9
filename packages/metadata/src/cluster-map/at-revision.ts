import type { View } from "../ports/view.ts";

/** Something read out of the view: read again only when a batch has been applied since. */
export class AtRevision<T> {
  readonly #view: View;
  readonly #read: () => T;
  #found: { readonly value: T; readonly revision: number } | null = null;

  constructor(view: View, read: () => T) {
    this.#view = view;
    this.#read = read;
  }

  get(): T {
    const { appliedRevision } = this.#view;
    // A view that is being loaded changes without a revision.
    if (this.#found !== null && this.#found.revision === appliedRevision && appliedRevision > 0)
      return this.#found.value;
    const value = this.#read();
    this.#found = { value, revision: appliedRevision };
    return value;
  }
}
