import type { Query } from "../addressing/query.ts";
import { S3Error } from "../errors/s3-error.ts";
import { parseCount, parseEncodingType, type EncodingType } from "./list-parameters.ts";

export interface ListPartsParameters {
  readonly encodingType: EncodingType;
  /** Echoed. */
  readonly maxParts: number;
  /** Parts with a higher number are listed; echoed. */
  readonly partNumberMarker: number;
}

export interface PartsPage<Part> {
  readonly parts: readonly Part[];
  readonly isTruncated: boolean;
  /** The last number of the page; 0 when it is empty. */
  readonly nextPartNumberMarker: number;
}

/** Throws InvalidArgument. */
export function parseListParts(query: Query): ListPartsParameters {
  return {
    encodingType: parseEncodingType(query),
    maxParts: parseCount(query, "max-parts"),
    partNumberMarker: parseMarker(query),
  };
}

function parseMarker(query: Query): number {
  const text = query.get("part-number-marker") ?? "";
  if (text === "") return 0;
  if (/^\d{1,10}$/.test(text) && Number(text) <= 0x7fff_ffff) return Number(text);
  throw new S3Error(
    "InvalidArgument",
    { ArgumentName: "part-number-marker", ArgumentValue: text },
    "Argument part-number-marker must be an integer between 0 and 2147483647",
  );
}

/** `parts`: by ascending number, at least all that are above the marker. */
export function pageParts<Part extends { readonly partNumber: number }>(
  parts: Iterable<Part>,
  bounds: { readonly maxParts: number; readonly partNumberMarker: number },
): PartsPage<Part> {
  const page: Part[] = [];
  let isTruncated = false;
  if (bounds.maxParts > 0) {
    for (const part of parts) {
      if (part.partNumber <= bounds.partNumberMarker) continue;
      isTruncated = page.length === bounds.maxParts;
      if (isTruncated) break;
      page.push(part);
    }
  }
  return { parts: page, isTruncated, nextPartNumberMarker: page.at(-1)?.partNumber ?? 0 };
}
