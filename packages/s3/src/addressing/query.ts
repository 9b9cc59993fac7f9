import { S3Error } from "../errors/s3-error.ts";
import { decodeForm, latin1AsUtf8, utf8Text } from "./percent.ts";

export interface QueryEntry {
  /** As sent; one char per byte. */
  readonly rawName: string;
  /** As sent; "" both for `name` and for `name=`. */
  readonly rawValue: string;
  readonly name: string;
  readonly value: string;
}

/** A query string, kept in the order sent. */
export class Query {
  readonly entries: readonly QueryEntry[];

  constructor(entries: readonly QueryEntry[]) {
    this.entries = entries;
  }

  /** The first value of that name, or null. */
  get(name: string): string | null {
    for (const entry of this.entries) if (entry.name === name) return entry.value;
    return null;
  }

  has(name: string): boolean {
    for (const entry of this.entries) if (entry.name === name) return true;
    return false;
  }

  countOf(name: string): number {
    return this.entries.reduce((count, entry) => (entry.name === name ? count + 1 : count), 0);
  }
}

const emptyQuery = new Query([]);

/** `raw`: what follows "?", one char per byte. Throws InvalidURI on broken percent encoding or UTF-8. */
export function parseQuery(raw: string): Query {
  if (raw === "") return emptyQuery;
  const entries: QueryEntry[] = [];
  for (const part of raw.split("&")) {
    if (part === "") continue;
    const equals = part.indexOf("=");
    const rawName = equals < 0 ? part : part.slice(0, equals);
    const rawValue = equals < 0 ? "" : part.slice(equals + 1);
    entries.push({ rawName, rawValue, name: decode(rawName), value: decode(rawValue) });
  }
  return new Query(entries);
}

function decode(raw: string): string {
  if (isPlain(raw)) return raw;
  const bytes = decodeForm(raw);
  const text = bytes === null ? null : utf8Text(bytes);
  if (text === null) throw new S3Error("InvalidURI", { URI: latin1AsUtf8(raw) });
  return text;
}

function isPlain(raw: string): boolean {
  for (let i = 0; i < raw.length; i++) {
    const code = raw.charCodeAt(i);
    if (code === 0x25 || code === 0x2b || code > 0x7e) return false;
  }
  return true;
}
