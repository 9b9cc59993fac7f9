import type { HeaderIndex } from "../addressing/header-index.ts";
import { encodePercent } from "../addressing/percent.ts";
import type { Query, QueryEntry } from "../addressing/query.ts";

/** What a canonical request is made of. All strings have one char per byte, as they came over the wire. */
export interface CanonicalParts {
  readonly method: string;
  /** As sent: neither decoded nor encoded again. */
  readonly rawPath: string;
  readonly query: string;
  readonly headers: HeaderIndex;
  readonly host: string;
  readonly signedHeaders: readonly string[];
  readonly signedHeadersText: string;
  readonly payloadHash: string;
}

/** The text whose SHA-256 is signed (AWS Signature Version 4, task 1); one char per byte. */
export function canonicalRequest(parts: CanonicalParts): string {
  let text = `${parts.method}\n${parts.rawPath}\n${parts.query}\n`;
  for (const name of parts.signedHeaders) {
    text += `${name}:${name === "host" ? parts.host : canonicalHeaderValue(parts.headers, name)}\n`;
  }
  return `${text}\n${parts.signedHeadersText}\n${parts.payloadHash}`;
}

/** An absent header counts as an empty one: its signature then fails, unless the client signed it so. */
function canonicalHeaderValue(headers: HeaderIndex, name: string): string {
  const first = headers.first(name);
  if (first === null) return "";
  const joined = headers.joined(name)!;
  return joined === first ? foldSpaces(first) : headers.all(name).map(foldSpaces).join(",");
}

function foldSpaces(value: string): string {
  const isFolded =
    !value.includes("  ") &&
    !value.includes("\t") &&
    !isSpace(value.charCodeAt(0)) &&
    !isSpace(value.charCodeAt(value.length - 1));
  return isFolded ? value : value.replace(/[ \t]+/g, " ").replace(/^ | $/g, "");
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** The query as sent, sorted by name, then by value; a name alone gets its "=" (`?location` is signed as `location=`). */
export function canonicalQuery(query: Query): string {
  return join(query, (entry) => ({ name: entry.rawName, value: entry.rawValue }));
}

/** As {@link canonicalQuery}, with every name and value decoded and encoded again by AWS's rules: for clients that sign that and send less. */
export function normalisedQuery(query: Query): string {
  return join(query, normalised);
}

/** As {@link normalisedQuery}, with the values of a repeated name in the order in which they were sent: minio-go signs that. */
export function queryInOrder(query: Query): string {
  return join(query, normalised, compareNames);
}

function normalised(entry: QueryEntry): Pair {
  return { name: encodePercent(entry.name), value: encodePercent(entry.value) };
}

interface Pair {
  readonly name: string;
  readonly value: string;
}

function join(query: Query, read: (entry: QueryEntry) => Pair, compare = comparePairs): string {
  const pairs: Pair[] = [];
  for (const entry of query.entries) if (entry.name !== "X-Amz-Signature") pairs.push(read(entry));
  if (pairs.length > 1) pairs.sort(compare);
  return pairs.map((pair) => `${pair.name}=${pair.value}`).join("&");
}

// Latin-1 strings compare by code unit as their bytes do.
function comparePairs(a: Pair, b: Pair): number {
  return compareNames(a, b) || (a.value < b.value ? -1 : a.value > b.value ? 1 : 0);
}

function compareNames(a: Pair, b: Pair): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
