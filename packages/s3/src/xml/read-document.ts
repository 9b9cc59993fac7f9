import { isUtf8 } from "node:buffer";
import { SaxesParser } from "saxes";
import { S3Error } from "../errors/s3-error.ts";

/** An element; names are without their namespace prefix. */
export interface XmlElement {
  readonly name: string;
  /** All text directly inside, white space included. */
  readonly text: string;
  readonly children: readonly XmlElement[];
}

/** Deep enough for every document of S3; a bound on what hostile ones may cost. */
const depthMax = 64;

/**
 * Reads a whole document. Namespaces are optional, entities only the five of XML, and there is no DOCTYPE, no processing instruction
 * and no other encoding than UTF-8. Throws MaxMessageLengthExceeded, and MalformedXML with the place of the fault.
 */
export function readXmlDocument(
  body: Buffer,
  options: { readonly rootName: string; readonly bytesMax: number },
): XmlElement {
  if (body.length > options.bytesMax)
    throw new S3Error("MaxMessageLengthExceeded", { MaxMessageLengthBytes: options.bytesMax });
  if (!isUtf8(body)) throw malformedXml("The document is not UTF-8.");
  const root = readTree(body.toString("utf8"));
  if (root.name !== options.rootName) throw malformedXml(`The root element is ${root.name}, not ${options.rootName}.`);
  return root;
}

interface OpenElement {
  readonly name: string;
  text: string;
  readonly children: XmlElement[];
}

function readTree(text: string): XmlElement {
  // saxes throws away its state on the first error: what the handlers throw ends the parse.
  const parser = new SaxesParser({ position: false });
  const open: OpenElement[] = [{ name: "", text: "", children: [] }];
  parser.on("error", (error) => {
    throw malformedXml(error.message);
  });
  parser.on("doctype", () => {
    throw malformedXml("A DOCTYPE is not allowed.");
  });
  parser.on("processinginstruction", () => {
    throw malformedXml("Processing instructions are not allowed.");
  });
  parser.on("xmldecl", (declaration) => {
    if (declaration.encoding !== undefined && declaration.encoding.toLowerCase() !== "utf-8") {
      throw malformedXml("The document is not UTF-8.");
    }
  });
  parser.on("opentag", (tag) => {
    if (open.length > depthMax) throw malformedXml("The document is nested too deeply.");
    const element: OpenElement = { name: tag.name.slice(tag.name.indexOf(":") + 1), text: "", children: [] };
    open.at(-1)!.children.push(element);
    open.push(element);
  });
  const takeText = (piece: string): void => {
    open.at(-1)!.text += piece;
  };
  parser.on("text", takeText);
  parser.on("cdata", takeText);
  parser.on("closetag", () => {
    open.pop();
  });
  parser.write(text).close();
  const root = open[0]!.children[0];
  if (root === undefined) throw malformedXml("The document is empty.");
  return root;
}

export function malformedXml(why: string): S3Error {
  return new S3Error(
    "MalformedXML",
    {},
    `The XML that you provided was not well-formed or did not validate against our published schema. ${why}`,
  );
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
