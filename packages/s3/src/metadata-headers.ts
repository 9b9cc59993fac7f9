import type { HeaderIndex } from "./addressing/header-index.ts";
import { S3Error } from "./errors/s3-error.ts";

/** Headers that an object gives back byte for byte: one char per byte (latin1); null: not given. */
export interface SystemHeaders {
  readonly contentType: string | null;
  /** Without aws-chunked, which was only the way here. */
  readonly contentEncoding: string | null;
  readonly contentDisposition: string | null;
  readonly contentLanguage: string | null;
  readonly cacheControl: string | null;
  readonly expires: string | null;
}

export interface UserMetadata {
  /** Lower case, without x-amz-meta-. */
  readonly name: string;
  /** One char per byte; may be empty. */
  readonly value: string;
}

/** AWS's bound for names and values together. */
export const metadataBytesMax = 2048;
export const defaultContentType = "binary/octet-stream";
const metadataPrefix = "x-amz-meta-";

export function collectSystemHeaders(headers: HeaderIndex): SystemHeaders {
  return {
    contentType: nonEmpty(headers.first("content-type")),
    contentEncoding: withoutAwsChunked(headers.joined("content-encoding")),
    contentDisposition: nonEmpty(headers.first("content-disposition")),
    contentLanguage: nonEmpty(headers.first("content-language")),
    cacheControl: nonEmpty(headers.joined("cache-control")),
    expires: nonEmpty(headers.first("expires")),
  };
}

function nonEmpty(value: string | null): string | null {
  return value === "" ? null : value;
}

/** `aws-chunked,gzip` and `gzip, aws-chunked` are `gzip`; aws-chunked alone, or twice, is nothing. */
function withoutAwsChunked(value: string | null): string | null {
  if (value === null || value === "" || !value.toLowerCase().includes("aws-chunked")) return nonEmpty(value);
  const codings = value.split(",").map((coding) => coding.trim());
  const kept = codings.filter((coding) => coding !== "" && coding.toLowerCase() !== "aws-chunked");
  return kept.length === 0 ? null : kept.join(", ");
}

/** Names in the order of their first appearance; the values of a repeated name joined by a comma. Throws MetadataTooLarge. */
export function collectUserMetadata(headers: HeaderIndex): UserMetadata[] {
  const byName = new Map<string, string>();
  for (let i = 0; i < headers.count; i++) {
    const header = headers.nameAt(i);
    if (!header.startsWith(metadataPrefix)) continue;
    const name = header.slice(metadataPrefix.length);
    const earlier = byName.get(name);
    byName.set(name, earlier === undefined ? headers.valueAt(i) : `${earlier},${headers.valueAt(i)}`);
  }
  let sizeBytes = 0;
  const metadata: UserMetadata[] = [];
  for (const [name, value] of byName) {
    sizeBytes += name.length + value.length;
    metadata.push({ name, value });
  }
  if (sizeBytes > metadataBytesMax)
    throw new S3Error("MetadataTooLarge", { Size: sizeBytes, MaxSizeAllowed: metadataBytesMax });
  return metadata;
}

/**
 * The headers of an object for an answer: flat name, value pairs that `writeHead` takes as they are. Node writes header strings as latin1
 * and refuses chars above 255, so one char per byte gives the client its own bytes back.
 */
export function objectHeaders(system: SystemHeaders, metadata: readonly UserMetadata[]): string[] {
  const headers = ["Content-Type", system.contentType ?? defaultContentType];
  if (system.contentEncoding !== null) headers.push("Content-Encoding", system.contentEncoding);
  if (system.contentDisposition !== null) headers.push("Content-Disposition", system.contentDisposition);
  if (system.contentLanguage !== null) headers.push("Content-Language", system.contentLanguage);
  if (system.cacheControl !== null) headers.push("Cache-Control", system.cacheControl);
  if (system.expires !== null) headers.push("Expires", system.expires);
  for (const { name, value } of metadata) headers.push(metadataPrefix + name, value);
  return headers;
}
