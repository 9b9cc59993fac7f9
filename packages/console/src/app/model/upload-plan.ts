const mib = 2 ** 20;
const partSizeBytesMin = 8 * mib;
const partsMax = 10_000;
/** S3's own bound. */
export const objectSizeBytesMax = 5 * 2 ** 40;

export interface UploadPart {
  /** From 1. */
  readonly partNumber: number;
  readonly fromByte: number;
  /** Behind its last byte. */
  readonly toByte: number;
}

/** The parts of a file; null: it goes in one request. */
export function planParts(sizeBytes: number): readonly UploadPart[] | null {
  if (sizeBytes <= partSizeBytesMin) return null;
  const least = Math.ceil(sizeBytes / partsMax / mib) * mib;
  const partSizeBytes = Math.max(partSizeBytesMin, least);
  return Array.from({ length: Math.ceil(sizeBytes / partSizeBytes) }, (_, index) => ({
    partNumber: index + 1,
    fromByte: index * partSizeBytes,
    toByte: Math.min(sizeBytes, (index + 1) * partSizeBytes),
  }));
}

/** The key of a file below a prefix. `path`: as the file was picked, with its folders. */
export function keyOf(prefix: string, path: string): string {
  return prefix + path.replace(/^\/+/, "");
}
