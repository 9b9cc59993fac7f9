import { createHash } from "node:crypto";

export interface ModelObject {
  readonly body: Buffer;
  readonly etag: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
}

export interface ModelUpload {
  readonly key: string;
  readonly parts: Map<number, { body: Buffer; etag: string }>;
}

/** What a bucket should hold: the whole reference model. */
export interface Model {
  readonly objects: Map<string, ModelObject>;
  readonly uploads: Map<string, ModelUpload>;
}

export const md5Hex = (data: Uint8Array): string => createHash("md5").update(data).digest("hex");

/** Keys in the order of LIST: by UTF-8 bytes. */
export function sortedKeys(model: Model): string[] {
  return [...model.objects.keys()].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

/** What LIST with a prefix and a delimiter shows: keys, and common prefixes, in one order. */
export function listed(model: Model, prefix: string, delimiter: string): string[] {
  const rows: string[] = [];
  for (const key of sortedKeys(model)) {
    if (!key.startsWith(prefix)) continue;
    const at = delimiter === "" ? -1 : key.indexOf(delimiter, prefix.length);
    const row = at === -1 ? key : key.slice(0, at + delimiter.length);
    if (rows.at(-1) !== row) rows.push(row);
  }
  return rows;
}

export function multipartEtag(etags: readonly string[]): string {
  return `${md5Hex(Buffer.concat(etags.map((etag) => Buffer.from(etag, "hex"))))}-${etags.length}`;
}
