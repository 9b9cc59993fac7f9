import { assert } from "@kakera/kernel";

const none = -1;
const binCount = 96;

/**
 * Hands out runs of pages in constant time and joins what comes back with its free neighbours. Free runs are kept in bins, four
 * for each doubling of their length; an ask is rounded up to the smallest run of a bin, so that any run of that bin or of a
 * higher one fits.
 */
export class PageRuns {
  /** At the first and at the last page of a free run its length, elsewhere 0. */
  readonly #lengths: Int32Array;
  /** Doubly linked lists of the free runs of each bin, by first page. */
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  readonly #heads = new Int32Array(binCount).fill(none);
  #freePages = 0;

  constructor(pageCount: number) {
    assert(pageCount >= 1, "there is a page");
    this.#lengths = new Int32Array(pageCount);
    this.#next = new Int32Array(pageCount);
    this.#previous = new Int32Array(pageCount);
    this.give(0, pageCount);
  }

  get freePages(): number {
    return this.#freePages;
  }

  /** The first page of a run of exactly `pages` pages, which is a result of `roundUpPages`; null when no free run is as long. */
  take(pages: number): number | null {
    for (let bin = binOf(pages); bin < binCount; bin++) {
      const first = this.#heads[bin]!;
      if (first === none) continue;
      const length = this.#lengths[first]!;
      this.#unlink(first, length);
      if (length > pages) this.#link(first + pages, length - pages);
      this.#freePages -= pages;
      return first;
    }
    return null;
  }

  give(first: number, pages: number): void {
    this.#freePages += pages;
    let start = first;
    let length = pages;
    const before = first === 0 ? 0 : this.#lengths[first - 1]!;
    if (before > 0) {
      start -= before;
      length += before;
      this.#unlink(start, before);
    }
    const after = this.#lengths[first + pages] ?? 0;
    if (after > 0) {
      length += after;
      this.#unlink(first + pages, after);
    }
    this.#link(start, length);
  }

  #link(first: number, length: number): void {
    const bin = binOf(length);
    const head = this.#heads[bin]!;
    this.#lengths[first] = length;
    this.#lengths[first + length - 1] = length;
    this.#next[first] = head;
    this.#previous[first] = none;
    if (head !== none) this.#previous[head] = first;
    this.#heads[bin] = first;
  }

  #unlink(first: number, length: number): void {
    const next = this.#next[first]!;
    const previous = this.#previous[first]!;
    this.#lengths[first] = 0;
    this.#lengths[first + length - 1] = 0;
    if (next !== none) this.#previous[next] = previous;
    if (previous === none) this.#heads[binOf(length)] = next;
    else this.#next[previous] = next;
  }
}

/** 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, ...: the smallest of these that is not below `pages`. */
export function roundUpPages(pages: number): number {
  if (pages <= 8) return Math.max(1, pages);
  const step = 2 ** (31 - Math.clz32(pages - 1) - 2);
  return Math.ceil(pages / step) * step;
}

function binOf(pages: number): number {
  if (pages < 4) return pages;
  const log = 31 - Math.clz32(pages);
  return (log - 1) * 4 + ((pages >>> (log - 2)) & 3);
}
