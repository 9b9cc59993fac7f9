import { keyText } from "../evaluate-change.ts";
import type { Change, KeyRange } from "../ports/commit-log.ts";

/** A change, and the keys that it compares and writes as texts: they are needed more than once. */
export interface KeysOfChange {
  readonly change: Change;
  readonly readTexts: readonly string[];
  readonly writtenTexts: readonly string[];
}

export function keysOf(change: Change): KeysOfChange {
  const readTexts = change.compares.map(({ key }) => keyText(key));
  // Most changes write what they compare.
  const writtenTexts = change.puts.map(({ key }, index) =>
    change.compares[index]?.key === key ? (readTexts[index] as string) : keyText(key),
  );
  for (const key of change.deletes) writtenTexts.push(keyText(key));
  return { change, readTexts, writtenTexts };
}

/** What changes read and write, to tell whether one more is independent of them. */
export class KeySets {
  readonly #read = new Set<string>();
  readonly #written = new Set<string>();
  /** Ranges as texts of one character a byte: they order as the bytes do. */
  readonly #rangesRead: TextRange[] = [];
  readonly #rangesWritten: TextRange[] = [];

  add({ change, readTexts, writtenTexts }: KeysOfChange): void {
    for (const text of readTexts) this.#read.add(text);
    for (const text of writtenTexts) this.#written.add(text);
    for (const range of change.emptyRanges ?? []) this.#rangesRead.push(textRange(range));
    for (const range of change.deleteRanges ?? []) this.#rangesWritten.push(textRange(range));
  }

  /** Whether it writes what one of these reads or writes, or reads what one of them writes. */
  conflictsWith({ change, readTexts, writtenTexts }: KeysOfChange): boolean {
    for (const text of writtenTexts) if (this.#isTouched(text)) return true;
    for (const text of readTexts)
      if (this.#written.has(text) || this.#rangesWritten.some((range) => isInside(text, range))) return true;
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
