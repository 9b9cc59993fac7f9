/**
 * Knows whether reads that began before some moment have ended, so that what they read may be deleted (correctness.md F7).
 * Reads are counted by generation; a mark ends a generation. Nothing is allocated for a read.
 */
export class ReadRegister {
  #generation = 0;
  readonly #activeReads = new Map<number, number>();

  /** A read begins; `end` takes what this returns. */
  begin(): number {
    const generation = this.#generation;
    this.#activeReads.set(generation, (this.#activeReads.get(generation) ?? 0) + 1);
    return generation;
  }

  end(generation: number): void {
    const left = (this.#activeReads.get(generation) ?? 0) - 1;
    if (left > 0 || generation === this.#generation) this.#activeReads.set(generation, left);
    else this.#activeReads.delete(generation);
  }

  /** A mark at this moment. */
  set(): number {
    const mark = this.#generation++;
    if (this.#activeReads.get(mark) === 0) this.#activeReads.delete(mark);
    return mark;
  }

  /** Whether every read that began before the mark was set has ended. Once true, true for ever. */
  isPassed(mark: number): boolean {
    for (const generation of this.#activeReads.keys()) if (generation <= mark) return false;
    return true;
  }
}
