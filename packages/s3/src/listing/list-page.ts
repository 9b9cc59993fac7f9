import { keySuccessor, prefixSuccessor, startsWith, type ListingCursor } from "./listing-cursor.ts";

/** Where a page begins. A marker that is itself a common prefix stands for all keys behind it. */
export type ListStart =
  | { readonly kind: "beginning" }
  /** Behind this key; behind the whole common prefix, when it is one. */
  | { readonly kind: "after"; readonly marker: Buffer };

export interface ListQuestion {
  /** Empty: all keys. */
  readonly prefix: Buffer;
  /** Of any length; null: none. */
  readonly delimiter: Buffer | null;
  readonly start: ListStart;
  /** Contents and common prefixes together. */
  readonly countMax: number;
}

export interface Listed<Item> {
  readonly key: Buffer;
  readonly item: Item;
}

export interface ListPage<Item> {
  /** By key. */
  readonly contents: readonly Listed<Item>[];
  /** By key, each once. */
  readonly commonPrefixes: readonly Buffer[];
  readonly isTruncated: boolean;
  /** The last key or common prefix of the page: the next page's marker. null when it is empty. */
  readonly last: Buffer | null;
}

/** A short walk is cheaper than a seek; a long common prefix is worth one. */
const stepsBeforeSeek = 4;

/** One page of a listing, in O(contents + common prefixes) steps of the cursor. */
export function listPage<Item>(cursor: ListingCursor<Item>, question: ListQuestion): ListPage<Item> {
  const contents: Listed<Item>[] = [];
  const commonPrefixes: Buffer[] = [];
  let last: Buffer | null = null;
  let key = question.countMax === 0 ? null : firstKey(cursor, question);
  let isTruncated = false;
  while (key !== null && startsWith(key, question.prefix)) {
    if (contents.length + commonPrefixes.length === question.countMax) {
      isTruncated = true;
      break;
    }
    const commonPrefix = commonPrefixOf(key, question);
    if (commonPrefix === null) {
      contents.push({ key, item: cursor.read() });
      last = key;
      key = cursor.next();
    } else {
      commonPrefixes.push(commonPrefix);
      last = commonPrefix;
      key = skipPrefix(cursor, commonPrefix);
    }
  }
  return { contents, commonPrefixes, isTruncated, last };
}

/** The first key of a page, or null. */
export function firstKey<Item>(cursor: ListingCursor<Item>, question: ListQuestion): Buffer | null {
  const { prefix, start } = question;
  if (start.kind === "beginning") return cursor.seek(prefix);
  const from = startKey(start.marker, question);
  if (from === null) return null;
  return cursor.seek(from.compare(prefix) < 0 ? prefix : from);
}

function startKey(marker: Buffer, question: ListQuestion): Buffer | null {
  const isCommonPrefix =
    startsWith(marker, question.prefix) && commonPrefixOf(marker, question)?.equals(marker) === true;
  return isCommonPrefix ? prefixSuccessor(marker) : keySuccessor(marker);
}

/** The part of `key` up to and including the first delimiter behind the prefix; null when there is none. */
export function commonPrefixOf(key: Buffer, question: Pick<ListQuestion, "prefix" | "delimiter">): Buffer | null {
  const { prefix, delimiter } = question;
  if (delimiter === null) return null;
  const found = key.indexOf(delimiter, prefix.length);
  return found < 0 ? null : key.subarray(0, found + delimiter.length);
}

/** The first key behind all that begin with `prefix`, of which the cursor is at one. */
export function skipPrefix<Item>(cursor: ListingCursor<Item>, prefix: Buffer): Buffer | null {
  for (let step = 0; step < stepsBeforeSeek; step++) {
    const key = cursor.next();
    if (key === null || !startsWith(key, prefix)) return key;
  }
  const successor = prefixSuccessor(prefix);
  return successor === null ? null : cursor.seek(successor);
}
