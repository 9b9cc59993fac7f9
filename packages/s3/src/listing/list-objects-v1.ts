import type { Query } from "../addressing/query.ts";
import { keyBytes, parseCommon, type CommonListParameters } from "./list-parameters.ts";
import { listPage, type ListPage, type ListStart } from "./list-page.ts";
import type { ListingCursor } from "./listing-cursor.ts";

export interface ListObjectsParameters extends CommonListParameters {
  /** Echoed, empty too. */
  readonly marker: string;
  readonly start: ListStart;
}

export interface ListObjectsPage<Item> extends ListPage<Item> {
  /** Only with a delimiter and when truncated; may be a common prefix. Without a delimiter clients go on from the last key. */
  readonly nextMarker: string | null;
}

/** Throws InvalidArgument. */
export function parseListObjects(query: Query): ListObjectsParameters {
  const marker = query.get("marker") ?? "";
  return { ...parseCommon(query), marker, start: startBehind(marker) };
}

export function pageObjects<Item>(
  cursor: ListingCursor<Item>,
  parameters: ListObjectsParameters,
): ListObjectsPage<Item> {
  const page = listPage(cursor, questionOf(parameters, parameters.start));
  const isTold = page.isTruncated && parameters.delimiter !== null && page.last !== null;
  return { ...page, nextMarker: isTold ? page.last.toString("utf8") : null };
}

/** "" is no marker. */
export function startBehind(marker: string): ListStart {
  return marker === "" ? { kind: "beginning" } : { kind: "after", marker: keyBytes(marker) };
}

export function questionOf(parameters: CommonListParameters, start: ListStart): Parameters<typeof listPage>[1] {
  return {
    prefix: keyBytes(parameters.prefix),
    delimiter: parameters.delimiter === null ? null : keyBytes(parameters.delimiter),
    start,
    countMax: parameters.maxKeys,
  };
}
