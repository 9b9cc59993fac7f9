import type { Tag } from "../tagging.ts";
import { documentXml, elementXml } from "./document.ts";
import { escapeXml } from "./escape.ts";

/** The answer of GetBucketLocation: us-east-1 is the empty element. */
export function renderBucketLocation(region: string): string {
  return documentXml("LocationConstraint", region === "us-east-1" ? "" : escapeXml(region));
}

/** The answer of GetObjectTagging and GetBucketTagging. */
export function renderTagging(tags: readonly Tag[]): string {
  const xml = tags.map((tag) => `<Tag>${elementXml("Key", tag.key)}${elementXml("Value", tag.value)}</Tag>`);
  return documentXml("Tagging", `<TagSet>${xml.join("")}</TagSet>`);
}
