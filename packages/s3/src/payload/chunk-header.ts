import { hexDigit } from "../addressing/percent.ts";

/** `10000;chunk-signature=<64 hex digits>` */
export interface ChunkHeader {
  readonly sizeBytes: number;
  /** null when there is none. */
  readonly signature: string | null;
}

/** Longer than any header that a client sends (size, signature), far shorter than one that would fill memory. */
export const chunkHeaderBytesMax = 256;

const signaturePrefix = "chunk-signature=";

/** `line`: without its line break. null when it is malformed or its size is no safe integer. */
export function parseChunkHeader(line: string): ChunkHeader | null {
  const semicolon = line.indexOf(";");
  const sizeBytes = parseSize(semicolon < 0 ? line : line.slice(0, semicolon));
  if (sizeBytes === null) return null;
  if (semicolon < 0) return { sizeBytes, signature: null };
  const extensions = line
    .slice(semicolon + 1)
    .split(";")
    .filter((extension) => extension.startsWith(signaturePrefix));
  if (extensions.length > 1) return null;
  return { sizeBytes, signature: extensions[0]?.slice(signaturePrefix.length) ?? null };
}

function parseSize(text: string): number | null {
  if (text.length === 0 || text.length > 16) return null;
  let size = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = hexDigit(text.charCodeAt(i));
    if (digit < 0) return null;
    size = size * 16 + digit;
  }
  return Number.isSafeInteger(size) ? size : null;
}
