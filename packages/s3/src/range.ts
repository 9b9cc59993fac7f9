import { parseHttpDate } from "./dates.ts";
import { S3Error } from "./errors/s3-error.ts";
import { unquoteEtag } from "./etag.ts";

/** Which bytes a GET or HEAD sends. `lastByte` is included. */
export type ByteSelection =
  /** 200 */
  | { readonly kind: "whole" }
  /** 206 */
  | { readonly kind: "range"; readonly firstByte: number; readonly lastByte: number };

const whole: ByteSelection = { kind: "whole" };
const singleRange = /^bytes=(\d*)-(\d*)$/i;

/**
 * What a Range header selects. Malformed ranges, other units and several ranges are ignored, as AWS does.
 * Throws InvalidRange (416) when the range lies outside the object, as any range of an empty object does.
 */
export function parseRange(header: string | null, sizeBytes: number): ByteSelection {
  const match = header === null ? null : singleRange.exec(header.trim());
  if (match === null) return whole;
  const [, first, last] = match as unknown as [string, string, string];
  if (first === "" && last === "") return whole;
  if (first !== "" && last !== "" && Number(last) < Number(first)) return whole;
  const firstByte = first === "" ? Math.max(0, sizeBytes - Number(last)) : Number(first);
  const lastByte = first === "" || last === "" ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1);
  if (firstByte < sizeBytes) return { kind: "range", firstByte, lastByte };
  throw new S3Error("InvalidRange", { RangeRequested: header!, ActualObjectSize: sizeBytes });
}

/** "bytes 0-4/10" */
export function contentRange(
  selection: { readonly firstByte: number; readonly lastByte: number },
  sizeBytes: number,
): string {
  return `bytes ${selection.firstByte}-${selection.lastByte}/${sizeBytes}`;
}

/**
 * Whether a Range header counts beside this If-Range: a client that resumes a download of what has changed must get all of it.
 * `nowMs`: see parseHttpDate.
 */
export function isRangeWanted(
  ifRange: string | null,
  object: { readonly etag: string; readonly lastModifiedMs: number },
  nowMs: number,
): boolean {
  if (ifRange === null) return true;
  const dateMs = parseHttpDate(ifRange, nowMs);
  if (dateMs !== null) return Math.floor(object.lastModifiedMs / 1000) * 1000 === dateMs;
  return !ifRange.startsWith("W/") && unquoteEtag(ifRange) === object.etag;
}
