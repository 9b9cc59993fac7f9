import type { ObjectRecordInput, SystemHeaders as SystemHeadersRecord } from "@kakera/protocol";
import {
  collectSystemHeaders,
  collectUserMetadata,
  parseTaggingHeader,
  type HeaderIndex,
  type SystemHeaders,
  type Tag,
  type UserMetadata,
} from "@kakera/s3";

/** What a client says about an object beside its bytes. */
export interface DescribedObject {
  readonly headers: SystemHeaders;
  readonly metadata: readonly UserMetadata[];
  readonly tags: readonly Tag[];
}

type DescriptionFields = Pick<ObjectRecordInput, "headers" | "metadata" | "tags">;

/** Reads the headers of PUT and Create. Throws MetadataTooLarge, InvalidTag, InvalidArgument. */
export function describeObject(headers: HeaderIndex): DescribedObject {
  return { ...describeContent(headers), tags: readTagsHeader(headers) };
}

/** All but the tags. */
export function describeContent(headers: HeaderIndex): Omit<DescribedObject, "tags"> {
  return { headers: collectSystemHeaders(headers), metadata: collectUserMetadata(headers) };
}

export function readTagsHeader(headers: HeaderIndex): readonly Tag[] {
  return parseTaggingHeader(headers.first("x-amz-tagging") ?? "");
}

/** Record fields: values byte for byte, absent ones left out. */
export function descriptionFields(described: DescribedObject): DescriptionFields {
  const { headers } = described;
  const bytes: Partial<Record<keyof SystemHeaders, Buffer>> = {};
  for (const name of systemHeaderNames) {
    const value = headers[name];
    if (value !== null) bytes[name] = Buffer.from(value, "latin1");
  }
  return {
    headers: Object.keys(bytes).length === 0 ? null : bytes,
    metadata: described.metadata.map(({ name, value }) => ({ name, value: Buffer.from(value, "latin1") })),
    tags: described.tags.map(({ key, value }) => ({ key, value })),
  };
}

const systemHeaderNames = [
  "contentType",
  "contentEncoding",
  "contentDisposition",
  "contentLanguage",
  "cacheControl",
  "expires",
] as const satisfies readonly (keyof SystemHeaders)[];

/** The way back: from a record to what answers show. */
export function describedBy(record: DescriptionFields): DescribedObject {
  return { headers: systemHeadersOf(record.headers), metadata: metadataOf(record), tags: tagsOf(record.tags) };
}

export function tagsOf(tags: DescriptionFields["tags"]): Tag[] {
  return (tags ?? []).map((tag) => ({ key: tag.key ?? "", value: tag.value ?? "" }));
}

function metadataOf(record: DescriptionFields): UserMetadata[] {
  return (record.metadata ?? []).map((entry) => ({ name: entry.name ?? "", value: latin1(entry.value) ?? "" }));
}

function systemHeadersOf(headers: DescriptionFields["headers"]): SystemHeaders {
  const text = (name: keyof SystemHeadersRecord & keyof SystemHeaders): string | null => {
    const value = latin1(headers?.[name]);
    return value === "" ? null : value;
  };
  return {
    contentType: text("contentType"),
    contentEncoding: text("contentEncoding"),
    contentDisposition: text("contentDisposition"),
    contentLanguage: text("contentLanguage"),
    cacheControl: text("cacheControl"),
    expires: text("expires"),
  };
}

function latin1(bytes: Uint8Array | null | undefined): string | null {
  return bytes == null ? null : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}
