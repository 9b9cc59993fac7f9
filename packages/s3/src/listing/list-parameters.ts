import type { Query } from "../addressing/query.ts";
import { S3Error } from "../errors/s3-error.ts";

/** No page is longer, whatever is asked for. */
export const pageItemsMax = 1000;

export type EncodingType = "url" | null;

/**
 * A count such as max-keys: absent or empty means the most, more than the most means the most (and is echoed so), 0 means none.
 * Throws InvalidArgument.
 */
export function parseCount(query: Query, name: string, countMax: number = pageItemsMax): number {
  const text = query.get(name);
  if (text === null || text === "") return countMax;
  const count = Number(text);
  if (/^\d{1,10}$/.test(text) && count <= 0x7fff_ffff) return Math.min(count, countMax);
  throw new S3Error(
    "InvalidArgument",
    { ArgumentName: name, ArgumentValue: text },
    `Provided ${name} not an integer or within integer range`,
  );
}

/** Throws InvalidArgument on anything but `url`. */
export function parseEncodingType(query: Query): EncodingType {
  const text = query.get("encoding-type");
  if (text === null || text === "") return null;
  if (text === "url") return "url";
  throw new S3Error(
    "InvalidArgument",
    { ArgumentName: "encoding-type", ArgumentValue: text },
    "Invalid Encoding Method specified in Request",
  );
}

/** An empty delimiter is none, and is not echoed. */
export function parseDelimiter(query: Query): string | null {
  const text = query.get("delimiter");
  return text === "" ? null : text;
}

/** Text of a query as the bytes that keys are compared by. */
export function keyBytes(text: string): Buffer {
  return Buffer.from(text, "utf8");
}

/** What the two versions of ListObjects and ListObjectVersions share. */
export interface CommonListParameters {
  readonly prefix: string;
  readonly delimiter: string | null;
  readonly encodingType: EncodingType;
  /** 0 to {@link pageItemsMax}; echoed. */
  readonly maxKeys: number;
}

export function parseCommon(query: Query): CommonListParameters {
  return {
    prefix: query.get("prefix") ?? "",
    delimiter: parseDelimiter(query),
    encodingType: parseEncodingType(query),
    maxKeys: parseCount(query, "max-keys"),
  };
}
