import { hash, timingSafeEqual } from "node:crypto";
import type { SigningKey } from "./signing-key.ts";

const hexLength = 64;
// Reused, as everything here is synchronous: a digest taken as a fresh Buffer costs more than the HMAC itself.
const expectedHex = Buffer.alloc(hexLength);
const providedHex = Buffer.alloc(hexLength);

/** Whether `signature` (lower-case hex) is the HMAC of `text` (one char per byte); compared in constant time. */
export function isSignature(signingKey: SigningKey, text: string, signature: string): boolean {
  const expected = signingKey.hmacHex(text);
  if (signature.length !== hexLength) return false;
  expectedHex.write(expected, "utf8");
  // As UTF-8, since a char above 255 would be cut to another one in latin1.
  providedHex.write(signature, "utf8");
  return timingSafeEqual(expectedHex, providedHex);
}

/** Hex SHA-256 of `text`, which has one char per byte. */
export function sha256OfLatin1(text: string): string {
  return hash("sha256", hashable(text), "hex");
}

/** Node hashes a string as UTF-8, which is the same for ASCII and cheaper than to name another encoding. */
function hashable(text: string): string | Buffer {
  const isAscii = Buffer.byteLength(text, "utf8") === text.length;
  return isAscii ? text : Buffer.from(text, "latin1");
}
