import type { HeaderIndex } from "./addressing/header-index.ts";
import { isPossibleBucketName } from "./addressing/bucket-name.ts";
import { decodeObjectKey, type ObjectKey } from "./addressing/object-key.ts";
import { latin1AsUtf8 } from "./addressing/percent.ts";
import { S3Error } from "./errors/s3-error.ts";
import { bodyBytesMax } from "./payload/body-plan.ts";

export interface CopySource {
  readonly bucket: string;
  readonly key: ObjectKey;
  /** null: the current version. */
  readonly versionId: string | null;
}

const header = "x-amz-copy-source";
const versionMark = "?versionId=";

/**
 * Reads x-amz-copy-source: `bucket/key` or `/bucket/key`, percent-encoded, with `?versionId=` perhaps. It is decoded once, and what is
 * decoded is what is authorised and read. `value`: one char per byte. Throws InvalidArgument, KeyTooLongError.
 */
export function parseCopySource(value: string): CopySource {
  const mark = value.lastIndexOf(versionMark);
  const path = mark < 0 ? value : value.slice(0, mark);
  const start =
    path.startsWith("/") || path.startsWith("%2F") || path.startsWith("%2f")
      ? path.slice(path[0] === "/" ? 1 : 3)
      : path;
  const separator = /\/|%2f/i.exec(start);
  const key = separator === null ? null : decodeObjectKey(start.slice(separator.index + separator[0].length));
  const bucket = separator === null ? "" : start.slice(0, separator.index);
  if (!isPossibleBucketName(bucket) || key === null || key.bytes.length === 0) throw invalidSource(value);
  return { bucket, key, versionId: mark < 0 ? null : latin1AsUtf8(value.slice(mark + versionMark.length)) };
}

function invalidSource(value: string): S3Error {
  return new S3Error(
    "InvalidArgument",
    { ArgumentName: header, ArgumentValue: latin1AsUtf8(value) },
    "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
  );
}

/** What a copy takes from its source: COPY the source's own, REPLACE what this request says. */
export type CopyDirective = "COPY" | "REPLACE";

export interface CopyDirectives {
  readonly metadata: CopyDirective;
  readonly tagging: CopyDirective;
}

/** Throws InvalidArgument. */
export function parseCopyDirectives(headers: HeaderIndex): CopyDirectives {
  return {
    metadata: parseDirective(headers, "x-amz-metadata-directive"),
    tagging: parseDirective(headers, "x-amz-tagging-directive"),
  };
}

function parseDirective(headers: HeaderIndex, name: string): CopyDirective {
  const text = headers.first(name) ?? "COPY";
  if (text === "COPY" || text === "REPLACE") return text;
  throw new S3Error(
    "InvalidArgument",
    { ArgumentName: name, ArgumentValue: text },
    `Unknown ${name.slice("x-amz-".length)}.`,
  );
}

/** Throws InvalidRequest when a copy onto itself would change nothing. */
export function checkCopyOntoItself(
  source: CopySource,
  destination: { readonly bucket: string; readonly key: ObjectKey },
  directives: CopyDirectives,
): void {
  const isItself = source.bucket === destination.bucket && source.key.bytes.equals(destination.key.bytes);
  if (!isItself || directives.metadata === "REPLACE") return;
  throw new S3Error(
    "InvalidRequest",
    {},
    "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
  );
}

/** Throws InvalidRequest when more than one request may store would be copied: of CopyObject the source, of UploadPartCopy the range. */
export function checkCopySize(sizeBytes: number): void {
  if (sizeBytes <= bodyBytesMax) return;
  throw new S3Error(
    "InvalidRequest",
    {},
    `The specified copy source is larger than the maximum allowable size for a copy source: ${bodyBytesMax}`,
  );
}

/** `lastByte` is included. */
export interface CopySourceRange {
  readonly firstByte: number;
  readonly lastByte: number;
}

/**
 * Reads x-amz-copy-source-range: only `bytes=first-last`, and inside the source: it is not clamped. null: the whole source.
 * Throws InvalidArgument.
 */
export function parseCopySourceRange(value: string | null, sourceSizeBytes: number): CopySourceRange | null {
  if (value === null) return null;
  const match = /^bytes=(\d{1,15})-(\d{1,15})$/.exec(value);
  if (match === null)
    throw invalidRange(
      value,
      "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy",
    );
  const range = { firstByte: Number(match[1]), lastByte: Number(match[2]) };
  if (range.firstByte <= range.lastByte && range.lastByte < sourceSizeBytes) return range;
  throw invalidRange(value, `Range specified is not valid for source object of size: ${sourceSizeBytes}`);
}

function invalidRange(value: string, message: string): S3Error {
  return new S3Error(
    "InvalidArgument",
    { ArgumentName: "x-amz-copy-source-range", ArgumentValue: latin1AsUtf8(value) },
    message,
  );
}
