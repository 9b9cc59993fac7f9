import type { Query } from "../addressing/query.ts";
import { S3Error } from "../errors/s3-error.ts";
import { invalidVersionId, isWellFormedVersionId, nullVersionId } from "../version-id.ts";
import { parseCommon, type CommonListParameters } from "./list-parameters.ts";
import { listPage, type ListPage, type ListStart } from "./list-page.ts";
import { questionOf, startBehind } from "./list-objects-v1.ts";
import type { ListingCursor } from "./listing-cursor.ts";

export interface ListObjectVersionsParameters extends CommonListParameters {
  /** Echoed, empty too. */
  readonly keyMarker: string;
  /** Echoed, empty too. */
  readonly versionIdMarker: string;
  readonly start: ListStart;
}

export interface ListObjectVersionsPage<Item> extends ListPage<Item> {
  /** Exactly when truncated. */
  readonly nextKeyMarker: string | null;
  /** `null` (the id) beside a key, none beside a common prefix. */
  readonly nextVersionIdMarker: string | null;
}

/** Throws InvalidArgument. */
export function parseListObjectVersions(query: Query): ListObjectVersionsParameters {
  const keyMarker = query.get("key-marker") ?? "";
  const versionIdMarker = query.get("version-id-marker") ?? "";
  if (versionIdMarker !== "") {
    if (keyMarker === "") {
      throw new S3Error(
        "InvalidArgument",
        { ArgumentName: "version-id-marker", ArgumentValue: versionIdMarker },
        "A version-id marker cannot be specified without a key marker.",
      );
    }
    if (!isWellFormedVersionId(versionIdMarker)) throw invalidVersionId("version-id-marker", versionIdMarker);
  }
  // Each key has one version, so what is behind a version of a key is behind the key.
  return { ...parseCommon(query), keyMarker, versionIdMarker, start: startBehind(keyMarker) };
}

export function pageObjectVersions<Item>(
  cursor: ListingCursor<Item>,
  parameters: ListObjectVersionsParameters,
): ListObjectVersionsPage<Item> {
  const page = listPage(cursor, questionOf(parameters, parameters.start));
  if (!page.isTruncated || page.last === null) return { ...page, nextKeyMarker: null, nextVersionIdMarker: null };
  const isKey = page.contents.at(-1)?.key === page.last;
  return { ...page, nextKeyMarker: page.last.toString("utf8"), nextVersionIdMarker: isKey ? nullVersionId : null };
}
