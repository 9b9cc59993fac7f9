/** The bytes of canonical base64 of exactly `sizeBytes` bytes, or null. */
export function decodeBase64(text: string, sizeBytes: number): Buffer | null {
  if (text.length !== Math.ceil(sizeBytes / 3) * 4) return null;
  const bytes = Buffer.from(text, "base64");
  // Node skips what is not base64: only what encodes back to the same text was.
  return bytes.length === sizeBytes && bytes.toString("base64") === text ? bytes : null;
}
