import { KIB } from "@kakera/kernel";
import type { Tag } from "../tagging.ts";
import { malformedXml } from "./malformed-xml.ts";
import { childrenNamed, readXmlDocument, requiredText } from "./read-document.ts";
import type { XmlElement } from "./read-tree.ts";

/** Fifty tags of 128 and 256 characters of four bytes, escaped. */
export const taggingBytesMax = 256 * KIB;

/** The tags as sent: the caller checks them (checkObjectTags, checkBucketTags). Throws MalformedXML. */
export function parseTagging(body: Buffer): Tag[] {
  const root = readXmlDocument(body, { rootName: "Tagging", bytesMax: taggingBytesMax });
  const sets = childrenNamed(root, "TagSet");
  if (sets.length !== 1) throw malformedXml("Tagging needs one TagSet.");
  return parseTags(sets[0]!);
}

/** The Tag elements of a TagSet or of Tags. */
export function parseTags(set: XmlElement): Tag[] {
  return childrenNamed(set, "Tag").map((tag) => ({ key: requiredText(tag, "Key"), value: requiredText(tag, "Value") }));
}
