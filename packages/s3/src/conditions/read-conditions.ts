import { SECOND_MS } from "@kakera/kernel";
import type { HeaderIndex } from "../addressing/header-index.ts";
import { parseHttpDate } from "../dates.ts";
import { S3Error } from "../errors/s3-error.ts";
import type { Etag } from "../etag.ts";
import { matchesStrongly, matchesWeakly, parseEtagList } from "./etag-list.ts";

/** What conditions look at. */
export interface ObjectFacts {
  /** Bare. */
  readonly etag: Etag;
  readonly lastModifiedMs: number;
}

/** `notModified`: answer 304 with ETag and Last-Modified, and no checksum. */
export type ReadVerdict = "proceed" | "notModified";

/**
 * The conditions of GET and HEAD, after authorisation. A true If-Match beats If-Unmodified-Since, a failed If-None-Match beats
 * If-Modified-Since; dates that cannot be read are ignored. Throws PreconditionFailed (412).
 */
export function checkReadConditions(headers: HeaderIndex, object: ObjectFacts, nowMs: number): ReadVerdict {
  const failed = failedCondition(readNames(headers, ""), object, nowMs);
  if (failed === null) return "proceed";
  if (failed === "If-None-Match" || failed === "If-Modified-Since") return "notModified";
  throw new S3Error("PreconditionFailed", { Condition: failed });
}

/** The x-amz-copy-source-if-* conditions. A copy has no 304: each that fails throws PreconditionFailed (412). */
export function checkCopySourceConditions(headers: HeaderIndex, source: ObjectFacts, nowMs: number): void {
  const failed = failedCondition(readNames(headers, "x-amz-copy-source-"), source, nowMs);
  if (failed !== null) throw new S3Error("PreconditionFailed", { Condition: `x-amz-copy-source-${failed}` });
}

type ConditionName = "If-Match" | "If-None-Match" | "If-Modified-Since" | "If-Unmodified-Since";

interface Conditions {
  readonly match: string | null;
  readonly noneMatch: string | null;
  readonly modifiedSince: string | null;
  readonly unmodifiedSince: string | null;
}

function readNames(headers: HeaderIndex, prefix: "" | "x-amz-copy-source-"): Conditions {
  return {
    match: headers.joined(`${prefix}if-match`),
    noneMatch: headers.joined(`${prefix}if-none-match`),
    modifiedSince: headers.first(`${prefix}if-modified-since`),
    unmodifiedSince: headers.first(`${prefix}if-unmodified-since`),
  };
}

/** The first condition that fails, in the order of RFC 7232; null when all hold. */
function failedCondition(conditions: Conditions, object: ObjectFacts, nowMs: number): ConditionName | null {
  if (conditions.match !== null) {
    if (!matchesStrongly(parseEtagList(conditions.match), object.etag)) return "If-Match";
  } else if (isModifiedSince(conditions.unmodifiedSince, object, nowMs) === true) {
    return "If-Unmodified-Since";
  }
  if (conditions.noneMatch !== null) {
    return matchesWeakly(parseEtagList(conditions.noneMatch), object.etag) ? "If-None-Match" : null;
  }
  return isModifiedSince(conditions.modifiedSince, object, nowMs) === false ? "If-Modified-Since" : null;
}

/** By the second, as headers carry dates; null when there is no date or none that can be read. */
function isModifiedSince(date: string | null, object: ObjectFacts, nowMs: number): boolean | null {
  const sinceMs = date === null ? null : parseHttpDate(date, nowMs);
  return sinceMs === null ? null : Math.floor(object.lastModifiedMs / SECOND_MS) > Math.floor(sinceMs / SECOND_MS);
}
