import type { Query } from "../addressing/query.ts";
import { decodeContinuationToken, encodeContinuationToken } from "./continuation-token.ts";
import { keyBytes, parseCommon, type CommonListParameters } from "./list-parameters.ts";
import { questionOf } from "./list-objects-v1.ts";
import { listPage, type ListPage, type ListStart } from "./list-page.ts";
import type { ListingCursor } from "./listing-cursor.ts";

export interface ListObjectsV2Parameters extends CommonListParameters {
  /** Echoed, also beside a token. */
  readonly startAfter: string | null;
  /** Echoed; "" is echoed too, and means none. */
  readonly continuationToken: string | null;
  readonly isOwnerWanted: boolean;
  readonly start: ListStart;
}

export interface ListObjectsV2Page<Item> extends ListPage<Item> {
  /** Exactly when the page is truncated. */
  readonly nextContinuationToken: string | null;
}

/** Throws InvalidArgument. */
export function parseListObjectsV2(query: Query): ListObjectsV2Parameters {
  const startAfter = query.get("start-after");
  const continuationToken = query.get("continuation-token");
  return {
    ...parseCommon(query),
    startAfter,
    continuationToken,
    isOwnerWanted: query.get("fetch-owner") === "true",
    start: readStart(startAfter, continuationToken),
  };
}

function readStart(startAfter: string | null, token: string | null): ListStart {
  if (token !== null && token !== "") return { kind: "after", marker: decodeContinuationToken(token) };
  if (startAfter !== null && startAfter !== "") return { kind: "after", marker: keyBytes(startAfter) };
  return { kind: "beginning" };
}

export function pageObjectsV2<Item>(
  cursor: ListingCursor<Item>,
  parameters: ListObjectsV2Parameters,
): ListObjectsV2Page<Item> {
  const page = listPage(cursor, questionOf(parameters, parameters.start));
  const nextContinuationToken = page.isTruncated && page.last !== null ? encodeContinuationToken(page.last) : null;
  return { ...page, nextContinuationToken };
}
