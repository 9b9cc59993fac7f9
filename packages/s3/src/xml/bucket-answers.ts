import type { Tag } from "../tagging.ts";
import { documentXml, elementXml } from "./document.ts";
import { escapeXml } from "./escape.ts";

/** The answer of GetBucketLocation: us-east-1 is the empty element. */
export function renderBucketLocation(region: string): string {
  return documentXml("LocationConstraint", region === "us-east-1" ? "" : escapeXml(region));
}

/** The answer of GetObjectTagging and GetBucketTagging, in the order of the keys' bytes. */
export function renderTagging(tags: readonly Tag[]): string {
  const sorted = tags.toSorted((one, other) => Buffer.compare(Buffer.from(one.key), Buffer.from(other.key)));
  const xml = sorted.map((tag) => `<Tag>${elementXml("Key", tag.key)}${elementXml("Value", tag.value)}</Tag>`);
  return documentXml("Tagging", `<TagSet>${xml.join("")}</TagSet>`);
}
