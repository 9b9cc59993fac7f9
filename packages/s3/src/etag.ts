/** An ETag without quotes: 32 hex digits for a single PUT, `hex-N` for N parts, and with a "-" when it is no MD5. */
export type Etag = string;

/** As headers and XML carry it (all but GetObjectAttributes, where it is bare). */
export function quoteEtag(etag: Etag): string {
  return `"${etag}"`;
}

/** Clients send ETags with and without quotes. */
export function unquoteEtag(text: string): Etag {
  const trimmed = text.trim();
  return trimmed.length >= 2 && trimmed.startsWith('"') && trimmed.endsWith('"') ? trimmed.slice(1, -1) : trimmed;
}

/** `md5`: 16 bytes. */
export function md5Etag(md5: Buffer): Etag {
  return md5.toString("hex");
}

/**
 * For objects whose MD5 was not computed (`--etag fast`). `unique`: 16 bytes. The suffix says "not an MD5" to rclone and s3cmd,
 * which would else compare it with the MD5 of their file.
 */
export function fastEtag(unique: Buffer): Etag {
  return `${unique.toString("hex")}-1`;
}
