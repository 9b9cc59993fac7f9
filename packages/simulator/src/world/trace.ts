/** Lines that are kept for who looks at a history that went wrong. */
const keptLinesMax = 400;

/** What happened in a world, in order: all of it as a hash, the end of it as text. */
export class Trace {
  #low = 0x811c9dc5;
  #high = 0x9e3779b9;
  #count = 0;
  readonly #lines: string[] = [];

  get count(): number {
    return this.#count;
  }

  /** 16 hex digits; equal for equal histories. */
  get hash(): string {
    return [this.#high, this.#low].map((half) => (half >>> 0).toString(16).padStart(8, "0")).join("");
  }

  /** The last lines, oldest first. */
  get lines(): readonly string[] {
    return this.#lines.slice(-keptLinesMax);
  }

  note(atMs: number, event: string): void {
    const line = `${atMs.toFixed(3)} ${event}`;
    for (let i = 0; i < line.length; i++) {
      const unit = line.charCodeAt(i);
      this.#low = Math.imul(this.#low ^ unit, 0x01000193);
      this.#high = Math.imul(this.#high ^ unit, 0x85ebca6b) ^ (this.#low >>> 13);
    }
    this.#count++;
    this.#lines.push(line);
    if (this.#lines.length > 2 * keptLinesMax) this.#lines.splice(0, keptLinesMax);
  }
}
