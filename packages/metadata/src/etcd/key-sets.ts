import { keyText } from "../evaluate-change.ts";
import type { Change, KeyRange } from "../ports/commit-log.ts";

/** What changes read and write, to tell whether one more is independent of them. */
export class KeySets {
  readonly #read = new Set<string>();
  readonly #written = new Set<string>();
  /** Ranges as texts of one character a byte: they order as the bytes do. */
  readonly #rangesRead: TextRange[] = [];
  readonly #rangesWritten: TextRange[] = [];

  add(change: Change): void {
    for (const { key } of change.compares) this.#read.add(keyText(key));
    for (const { key } of change.puts) this.#written.add(keyText(key));
    for (const key of change.deletes) this.#written.add(keyText(key));
    for (const range of change.emptyRanges ?? []) this.#rangesRead.push(textRange(range));
    for (const range of change.deleteRanges ?? []) this.#rangesWritten.push(textRange(range));
  }

  /** Whether it writes what one of these reads or writes, or reads what one of them writes. */
  conflictsWith(change: Change): boolean {
    for (const { key } of change.puts) if (this.#isTouched(keyText(key))) return true;
    for (const key of change.deletes) if (this.#isTouched(keyText(key))) return true;
    for (const { key } of change.compares) {
      const text = keyText(key);
      if (this.#written.has(text) || this.#rangesWritten.some((range) => isInside(text, range))) return true;
    }
    for (const range of change.emptyRanges ?? []) if (this.#isWrittenIn(textRange(range))) return true;
    for (const range of change.deleteRanges ?? []) {
      const text = textRange(range);
      if (this.#isWrittenIn(text) || anyInside(this.#read, text)) return true;
      if (this.#rangesRead.some((other) => overlap(text, other))) return true;
    }
    return false;
  }

  #isTouched(text: string): boolean {
    if (this.#written.has(text) || this.#read.has(text)) return true;
    return (
      this.#rangesWritten.some((range) => isInside(text, range)) ||
      this.#rangesRead.some((range) => isInside(text, range))
    );
  }

  #isWrittenIn(range: TextRange): boolean {
    return anyInside(this.#written, range) || this.#rangesWritten.some((other) => overlap(range, other));
  }
}

interface TextRange {
  readonly from: string;
  readonly to: string;
}

const textRange = (range: KeyRange): TextRange => ({ from: keyText(range.from), to: keyText(range.to) });
const isInside = (text: string, range: TextRange): boolean => text >= range.from && text < range.to;
const overlap = (a: TextRange, b: TextRange): boolean => a.from < b.to && b.from < a.to;

function anyInside(texts: ReadonlySet<string>, range: TextRange): boolean {
  for (const text of texts) if (isInside(text, range)) return true;
  return false;
}
