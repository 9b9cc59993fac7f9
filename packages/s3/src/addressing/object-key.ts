import { S3Error } from "../errors/s3-error.ts";
import { decodePercent, latin1AsUtf8, utf8Text } from "./percent.ts";

/** A key: an opaque string of UTF-8 bytes. "a", "a/", "a//b" and "./a" are four different ones. */
export interface ObjectKey {
  readonly bytes: Buffer;
  readonly text: string;
}

export const keyBytesMax = 1024;

/**
 * The key in the raw path of a request, decoded once. null when it is not UTF-8, has a NUL or broken percent encoding, or climbs
 * above its bucket. Throws KeyTooLongError.
 */
export function decodeObjectKey(raw: string): ObjectKey | null {
  const bytes = decodePercent(raw);
  if (bytes === null || bytes.includes(0)) return null;
  const text = utf8Text(bytes);
  if (text === null || climbsAboveRoot(text)) return null;
  checkKeyLength(bytes);
  return { bytes, text };
}

/** A key that came as text (XML, form). Throws KeyTooLongError. */
export function objectKeyFromText(text: string): ObjectKey {
  const bytes = Buffer.from(text, "utf8");
  checkKeyLength(bytes);
  return { bytes, text };
}

function checkKeyLength(bytes: Buffer): void {
  if (bytes.length > keyBytesMax) {
    throw new S3Error("KeyTooLongError", { Size: bytes.length, MaxSizeAllowed: keyBytesMax });
  }
}

/**
 * AWS refuses a key whose ".." segments, read from the left, ever outnumber the real ones. We never resolve them: the rule only keeps
 * out what another program might resolve into a different bucket.
 */
function climbsAboveRoot(text: string): boolean {
  if (!text.includes("..")) return false;
  let depth = 0;
  for (const segment of text.split("/")) {
    if (segment === "..") depth--;
    else if (segment !== "" && segment !== ".") depth++;
    if (depth < 0) return true;
  }
  return false;
}

/** InvalidURI for a raw target. */
export function invalidUri(rawTarget: string): S3Error {
  return new S3Error("InvalidURI", { URI: latin1AsUtf8(rawTarget) });
}
