import type { HeaderIndex } from "../addressing/header-index.ts";
import { S3Error } from "../errors/s3-error.ts";
import type { Etag } from "../etag.ts";
import { matchesStrongly, parseEtagList, type EtagList } from "./etag-list.ts";

/** What must hold of the current object when a write is committed. */
export type WriteCondition =
  | { readonly kind: "none" }
  /** If-None-Match: * */
  | { readonly kind: "absent" }
  /** If-Match: one of these, or anything ("*"). */
  | { readonly kind: "match"; readonly etags: EtagList };

const none: WriteCondition = { kind: "none" };

/** Conditions on a write that nobody defines: ignored, they would lose an update. */
const undefinedOnWrites = ["If-Modified-Since", "If-Unmodified-Since"];
/** Conditions of directory buckets. */
const undefinedOnDeletes = ["x-amz-if-match-last-modified-time", "x-amz-if-match-size"];

/** Reads the condition of PUT, Copy (of its destination), Create and Complete. Throws NotImplemented, naming the header. */
export function parseWriteCondition(headers: HeaderIndex): WriteCondition {
  refuseHeaders(headers, undefinedOnWrites);
  const noneMatch = headers.joined("if-none-match");
  const match = headers.joined("if-match");
  if (noneMatch !== null && (match !== null || noneMatch.trim() !== "*")) throw notImplemented("If-None-Match");
  if (noneMatch !== null) return { kind: "absent" };
  return match === null ? none : { kind: "match", etags: parseEtagList(match) };
}

/**
 * Decides a condition against the current object, inside the commit. `currentEtag`: bare; null when there is no object.
 * Throws PreconditionFailed (412) and, for If-Match without an object, NoSuchKey (404).
 */
export function checkWriteCondition(condition: WriteCondition, currentEtag: Etag | null, key: string): void {
  switch (condition.kind) {
    case "none":
      return;
    case "absent":
      if (currentEtag !== null) throw new S3Error("PreconditionFailed", { Condition: "If-None-Match" });
      return;
    case "match":
      if (currentEtag === null) throw new S3Error("NoSuchKey", { Key: key });
      if (!matchesStrongly(condition.etags, currentEtag))
        throw new S3Error("PreconditionFailed", { Condition: "If-Match" });
  }
}

/** Reads the If-Match of DeleteObject; decide it with {@link checkWriteCondition}. Throws NotImplemented, naming the header. */
export function parseDeleteCondition(headers: HeaderIndex, versionId: string | null): WriteCondition {
  refuseHeaders(headers, undefinedOnDeletes);
  const match = headers.joined("if-match");
  if (match === null) return none;
  if (versionId !== null) throw notImplemented("If-Match");
  return { kind: "match", etags: parseEtagList(match) };
}

/** The condition of one key of DeleteObjects. `etag`: bare, "*", or null. */
export function deleteConditionOf(etag: string | null): WriteCondition {
  return etag === null ? none : { kind: "match", etags: parseEtagList(etag) };
}

function refuseHeaders(headers: HeaderIndex, names: readonly string[]): void {
  const found = names.find((name) => headers.has(name.toLowerCase()));
  if (found !== undefined) throw notImplemented(found);
}

function notImplemented(header: string): S3Error {
  return new S3Error(
    "NotImplemented",
    { Header: header },
    "A header you provided implies functionality that is not implemented",
  );
}
