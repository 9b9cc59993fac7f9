import type { Watermarks } from "@kakera/gateway";

/** Marks that are kept until what was under way then has ended; later ones share the last. */
const marksMax = 1024;

/**
 * One process' part in a question that is put to all processes of a server: has everything that was under way at mark E ended? Marks are
 * numbered by whoever asks; each stands for the moment at which this process heard of it, so for a later one.
 */
export class MarkQueue {
  readonly #register: Watermarks;
  #waiting: { number: number; mark: number }[] = [];
  #passed = 0;

  constructor(register: Watermarks) {
    this.#register = register;
  }

  /** A mark with a higher number than all before it. */
  note(number: number): void {
    const mark = this.#register.set();
    const last = this.#waiting.at(-1);
    // What the last one stands for has ended when what a later one stands for has.
    if (last !== undefined && this.#waiting.length >= marksMax) [last.number, last.mark] = [number, mark];
    else this.#waiting.push({ number, mark });
  }

  /** The highest mark that is passed; all lower ones are too. Never falls. */
  get passed(): number {
    while (this.#waiting[0] !== undefined && this.#register.isPassed(this.#waiting[0].mark)) {
      this.#passed = this.#waiting[0].number;
      this.#waiting.shift();
    }
    return this.#passed;
  }
}
