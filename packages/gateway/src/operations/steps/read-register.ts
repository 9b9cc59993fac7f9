/**
 * Which reads of bodies are under way, by the log's revision when they began. Garbage that was dropped at a later revision may
 * still be read by one of them; what was dropped before the floor is read by nobody here (correctness.md F7).
 */
export class ReadRegister {
  readonly #begun = new Map<symbol, number>();

  /** Call before the view is read. Returns what to call when the body has been sent, or has failed. */
  begin(revision: number): () => void {
    const read = Symbol("read");
    this.#begun.set(read, revision);
    return () => this.#begun.delete(read);
  }

  /** Every read under way began at this revision or later. `present`: the log's revision now. */
  floor(present: number): number {
    let floor = present;
    for (const revision of this.#begun.values()) floor = Math.min(floor, revision);
    return floor;
  }
}
