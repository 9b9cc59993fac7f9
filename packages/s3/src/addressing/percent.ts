import { isUtf8 } from "node:buffer";

const PERCENT = 0x25;
const PLUS = 0x2b;
const SPACE = 0x20;

/**
 * Undoes percent encoding, once. `raw`: one char per byte. null when a "%" has not two hex digits behind it.
 * "+" stays "+".
 */
export function decodePercent(raw: string): Buffer | null {
  const bytes = Buffer.from(raw, "latin1");
  return raw.includes("%") ? decodeInPlace(bytes) : bytes;
}

/** As {@link decodePercent}, and "+" is a space: query strings and the x-amz-tagging header. */
export function decodeForm(raw: string): Buffer | null {
  const bytes = Buffer.from(raw, "latin1");
  for (let i = 0; i < bytes.length; i++) if (bytes[i] === PLUS) bytes[i] = SPACE;
  return raw.includes("%") ? decodeInPlace(bytes) : bytes;
}

/** The text of UTF-8 bytes, or null when they are not UTF-8 (overlong forms and surrogates included). */
export function utf8Text(bytes: Buffer): string | null {
  return isUtf8(bytes) ? bytes.toString("utf8") : null;
}

/** Text as UTF-8 bytes, one char per byte: the form in which header values are kept. */
export function utf8AsLatin1(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

/** A header value (one char per byte) as text; bytes that are not UTF-8 become U+FFFD. */
export function latin1AsUtf8(value: string): string {
  return Buffer.from(value, "latin1").toString("utf8");
}

function decodeInPlace(bytes: Buffer): Buffer | null {
  let written = 0;
  for (let read = 0; read < bytes.length; read++) {
    const byte = bytes[read]!;
    if (byte !== PERCENT) {
      bytes[written++] = byte;
      continue;
    }
    const high = hexDigit(bytes[read + 1]);
    const low = hexDigit(bytes[read + 2]);
    if (high < 0 || low < 0) return null;
    bytes[written++] = high * 16 + low;
    read += 2;
  }
  return bytes.subarray(0, written);
}

/** -1 when it is none. */
export function hexDigit(byte: number | undefined): number {
  if (byte === undefined) return -1;
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  if (byte >= 0x61 && byte <= 0x66) return byte - 0x57;
  if (byte >= 0x41 && byte <= 0x46) return byte - 0x37;
  return -1;
}

const plain = /^[A-Za-z0-9\-._~]*$/;
const plainPath = /^[A-Za-z0-9\-._~/]*$/;

/** AWS's UriEncode: all but A-Z a-z 0-9 - . _ ~ becomes %XX (upper case). */
export function encodePercent(text: string): string {
  if (plain.test(text)) return text;
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** As {@link encodePercent}, but "/" stays: `encoding-type=url` (a space is %20, as every client can decode), Location. */
export function encodePercentPath(text: string): string {
  return plainPath.test(text) ? text : encodePercent(text).replaceAll("%2F", "/");
}
