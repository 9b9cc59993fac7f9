import { isUtf8 } from "node:buffer";
import { S3Error } from "../errors/s3-error.ts";
import { malformedXml } from "./malformed-xml.ts";
import { readXmlTree, type XmlElement } from "./read-tree.ts";

/**
 * Reads a whole document that a client sent. Namespaces are optional; names come without prefix.
 * Throws MaxMessageLengthExceeded, and MalformedXML that says what is wrong.
 */
export function readXmlDocument(
  body: Buffer,
  options: { readonly rootName: string; readonly bytesMax: number },
): XmlElement {
  if (body.length > options.bytesMax)
    throw new S3Error("MaxMessageLengthExceeded", { MaxMessageLengthBytes: options.bytesMax });
  if (!isUtf8(body)) throw malformedXml("The document is not UTF-8.");
  const root = readXmlTree(body.toString("utf8"));
  if (root.name !== options.rootName) throw malformedXml(`The root element is ${root.name}, not ${options.rootName}.`);
  return root;
}

/** The text of the one child of that name; null when there is none. Throws MalformedXML when there are two. */
export function childText(element: XmlElement, name: string): string | null {
  let found: string | null = null;
  for (const child of element.children) {
    if (child.name !== name) continue;
    if (found !== null) throw malformedXml(`${element.name} has more than one ${name}.`);
    found = child.text;
  }
  return found;
}

/** As {@link childText}; throws MalformedXML when there is none. */
export function requiredText(element: XmlElement, name: string): string {
  const text = childText(element, name);
  if (text === null) throw malformedXml(`${element.name} has no ${name}.`);
  return text;
}

export function childrenNamed(element: XmlElement, name: string): XmlElement[] {
  return element.children.filter((child) => child.name === name);
}
