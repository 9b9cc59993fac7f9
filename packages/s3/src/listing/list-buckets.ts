import type { Query } from "../addressing/query.ts";
import { S3Error } from "../errors/s3-error.ts";
import { decodeContinuationToken, encodeContinuationToken } from "./continuation-token.ts";
import { keyBytes } from "./list-parameters.ts";
import { listPage, type ListPage, type ListStart } from "./list-page.ts";
import type { ListingCursor } from "./listing-cursor.ts";

export interface ListBucketsParameters {
  /** null: not given; then all buckets come in one answer, as old clients expect. */
  readonly prefix: string | null;
  readonly maxBuckets: number;
  readonly start: ListStart;
}

export interface ListBucketsPage<Item> extends ListPage<Item> {
  /** Exactly when more remain. */
  readonly continuationToken: string | null;
}

const bucketsMax = 10_000;

/** Throws InvalidArgument. */
export function parseListBuckets(query: Query): ListBucketsParameters {
  const token = query.get("continuation-token") ?? "";
  return {
    prefix: query.get("prefix"),
    maxBuckets: parseMaxBuckets(query),
    start: token === "" ? { kind: "beginning" } : { kind: "after", marker: decodeContinuationToken(token) },
  };
}

function parseMaxBuckets(query: Query): number {
  const text = query.get("max-buckets");
  if (text === null) return bucketsMax;
  const count = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (count >= 1 && count <= bucketsMax) return count;
  throw new S3Error(
    "InvalidArgument",
    { ArgumentName: "max-buckets", ArgumentValue: text },
    `Argument max-buckets must be an integer between 1 and ${bucketsMax}`,
  );
}

/** `cursor`: bucket names, in byte order. */
export function pageBuckets<Item>(
  cursor: ListingCursor<Item>,
  parameters: ListBucketsParameters,
): ListBucketsPage<Item> {
  const page = listPage(cursor, {
    prefix: keyBytes(parameters.prefix ?? ""),
    delimiter: null,
    start: parameters.start,
    countMax: parameters.maxBuckets,
  });
  return {
    ...page,
    continuationToken: page.isTruncated && page.last !== null ? encodeContinuationToken(page.last) : null,
  };
}
