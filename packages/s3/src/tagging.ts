import { decodeForm, utf8Text } from "./addressing/percent.ts";
import { S3Error } from "./errors/s3-error.ts";

export interface Tag {
  readonly key: string;
  readonly value: string;
}

const objectTagsMax = 10;
const bucketTagsMax = 50;
/** In characters, not bytes. */
const keyLengthMax = 128;
const valueLengthMax = 256;

/** Reads x-amz-tagging, `a=1&b=2` in form encoding; a key may stand without "=". Throws InvalidArgument, InvalidTag. */
export function parseTaggingHeader(header: string): Tag[] {
  const tags: Tag[] = [];
  for (const pair of header.split("&")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const key = decode(equals < 0 ? pair : pair.slice(0, equals));
    const value = equals < 0 ? "" : decode(pair.slice(equals + 1));
    if (key === null || key === "" || value === null) throw malformedHeader(header);
    tags.push({ key, value });
  }
  checkObjectTags(tags);
  return tags;
}

function decode(raw: string): string | null {
  const bytes = decodeForm(raw);
  return bytes === null ? null : utf8Text(bytes);
}

function malformedHeader(header: string): S3Error {
  return new S3Error(
    "InvalidArgument",
    { ArgumentName: "x-amz-tagging", ArgumentValue: header },
    "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.",
  );
}

/** Throws InvalidTag. */
export function checkObjectTags(tags: readonly Tag[]): void {
  if (tags.length > objectTagsMax)
    throw new S3Error("InvalidTag", {}, `Object tags cannot be greater than ${objectTagsMax}`);
  checkTags(tags);
}

/** Throws InvalidTag. */
export function checkBucketTags(tags: readonly Tag[]): void {
  if (tags.length > bucketTagsMax)
    throw new S3Error("InvalidTag", {}, `Bucket tags cannot be greater than ${bucketTagsMax}`);
  checkTags(tags);
}

function checkTags(tags: readonly Tag[]): void {
  const keys = new Set<string>();
  for (const { key, value } of tags) {
    const keyLength = characterCount(key);
    if (keyLength === 0 || keyLength > keyLengthMax)
      throw new S3Error("InvalidTag", { TagKey: key }, "The TagKey you have provided is invalid");
    if (characterCount(value) > valueLengthMax) {
      throw new S3Error("InvalidTag", { TagKey: key, TagValue: value }, "The TagValue you have provided is invalid");
    }
    if (key.startsWith("aws:"))
      throw new S3Error("InvalidTag", { TagKey: key }, "System tags cannot be added/updated by requester");
    if (keys.has(key))
      throw new S3Error("InvalidTag", { TagKey: key }, "Cannot provide multiple Tags with the same key");
    keys.add(key);
  }
}

function characterCount(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}
