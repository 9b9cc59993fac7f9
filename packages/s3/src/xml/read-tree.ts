import { checkCharacters, decodeReferences, decodeText } from "./decode-text.ts";
import { malformedXml } from "./malformed-xml.ts";

/** An element; its name is without namespace prefix. */
export interface XmlElement {
  readonly name: string;
  /** All text directly inside, white space included. */
  readonly text: string;
  readonly children: readonly XmlElement[];
}

interface OpenElement extends XmlElement {
  /** With its prefix: what the end tag must repeat. */
  readonly tag: string;
  text: string;
  readonly children: OpenElement[];
}

/** Deeper than any document of S3; a bound on what a hostile one may cost. */
const depthMax = 64;

/**
 * Reads a whole XML document: the part of XML 1.0 that S3 needs. There is no DOCTYPE, no processing instruction, no entity but the five
 * and no encoding but UTF-8; there is more in characters, as keys may hold any but NUL. Throws MalformedXML. Why not a parser from
 * a package: docs/decisions/0008-own-xml-reader.md.
 */
export function readXmlTree(text: string): XmlElement {
  return new TreeReader(text).read();
}

class TreeReader {
  readonly #text: string;
  #position = 0;
  readonly #open: OpenElement[] = [];
  #root: OpenElement | null = null;

  constructor(text: string) {
    this.#text = text;
  }

  read(): XmlElement {
    if (this.#text.startsWith("\ufeff")) this.#position = 1;
    this.#readDeclaration();
    for (;;) {
      const tagAt = this.#text.indexOf("<", this.#position);
      this.#takeText(this.#text.slice(this.#position, tagAt < 0 ? undefined : tagAt));
      if (tagAt < 0) break;
      this.#position = tagAt;
      this.#readMarkup();
    }
    if (this.#root === null) throw malformedXml("There is no element.");
    if (this.#open.length > 0) throw malformedXml(`The element ${this.#open.at(-1)!.tag} does not end.`);
    return this.#root;
  }

  #readDeclaration(): void {
    const declaration = /^<\?xml((?:\s+[a-z]+\s*=\s*(?:"[^"<&]*"|'[^'<&]*'))*)\s*\?>/.exec(
      this.#text.slice(this.#position, this.#position + 200),
    );
    if (declaration === null) return;
    const encoding = /\sencoding\s*=\s*["']([^"']*)/.exec(declaration[1]!)?.[1];
    if (encoding !== undefined && encoding.toLowerCase() !== "utf-8") throw malformedXml("The document is not UTF-8.");
    if (!/^\s+version\s*=\s*["']1\.[0-9]+["']/.test(declaration[1]!))
      throw malformedXml("The XML declaration is malformed.");
    this.#position += declaration[0].length;
  }

  #readMarkup(): void {
    switch (this.#text[this.#position + 1]) {
      case "/":
        return this.#readEndTag();
      case "!":
        return this.#readCommentOrCdata();
      case "?":
        throw malformedXml("Processing instructions are not allowed.");
      default:
        return this.#readStartTag();
    }
  }

  #takeText(raw: string): void {
    if (raw === "") return;
    const parent = this.#open.at(-1);
    if (parent !== undefined) parent.text += decodeText(raw);
    else if (!/^[ \t\r\n]*$/.test(raw)) throw malformedXml("There is text outside of the root element.");
  }

  #readEndTag(): void {
    const end = this.#find(">", this.#position);
    const element = this.#open.pop();
    const tag = this.#text.slice(this.#position + 2, end);
    if (element === undefined || (tag !== element.tag && tag.replace(/[ \t\r\n]+$/, "") !== element.tag)) {
      throw malformedXml("An end tag has no start tag.");
    }
    this.#position = end + 1;
  }

  #readCommentOrCdata(): void {
    if (this.#text.startsWith("<!--", this.#position)) {
      const end = this.#find("--", this.#position + 4);
      if (this.#text[end + 2] !== ">") throw malformedXml("A comment contains two hyphens.");
      checkCharacters(this.#text.slice(this.#position, end));
      this.#position = end + 3;
      return;
    }
    const parent = this.#open.at(-1);
    if (parent === undefined || !this.#text.startsWith("<![CDATA[", this.#position))
      throw malformedXml("A DOCTYPE is not allowed.");
    const end = this.#find("]]>", this.#position + 9);
    parent.text += checkCharacters(this.#text.slice(this.#position + 9, end));
    this.#position = end + 3;
  }

  #readStartTag(): void {
    this.#position++;
    const tag = this.#readName();
    if (this.#open.length >= depthMax) throw malformedXml("The document is nested too deeply.");
    const element: OpenElement = { name: tag.slice(tag.indexOf(":") + 1), tag, text: "", children: [] };
    const parent = this.#open.at(-1);
    if (parent !== undefined) parent.children.push(element);
    else if (this.#root !== null) throw malformedXml("There is more than one root element.");
    else this.#root = element;
    // Nearly every tag is without attributes.
    if (this.#text[this.#position] !== ">") this.#skipAttributes();
    if (this.#text[this.#position] === "/") this.#position++;
    else this.#open.push(element);
    this.#expect(">");
  }

  /** Their syntax is checked, and nothing of S3 is in them. */
  #skipAttributes(): void {
    const names = new Set<string>();
    for (;;) {
      const hasSpace = this.#skipSpace();
      const next = this.#text[this.#position];
      if (next === ">" || next === "/") return;
      if (!hasSpace) throw malformedXml("A tag is malformed.");
      const name = this.#readName();
      if (names.has(name)) throw malformedXml("An attribute is repeated.");
      names.add(name);
      this.#skipSpace();
      this.#expect("=");
      this.#skipSpace();
      const quote = this.#text[this.#position];
      if (quote !== '"' && quote !== "'") throw malformedXml("An attribute has no quotes.");
      const end = this.#find(quote, this.#position + 1);
      const value = checkCharacters(this.#text.slice(this.#position + 1, end));
      if (value.includes("<")) throw malformedXml('An attribute contains "<".');
      decodeReferences(value);
      this.#position = end + 1;
    }
  }

  #readName(): string {
    const start = this.#position;
    if (!isNameCharacter(this.#text.charCodeAt(start)) || isOnlyInside(this.#text.charCodeAt(start)))
      throw malformedXml("A name is malformed.");
    while (isNameCharacter(this.#text.charCodeAt(this.#position))) this.#position++;
    return this.#text.slice(start, this.#position);
  }

  #skipSpace(): boolean {
    const start = this.#position;
    while (isSpace(this.#text.charCodeAt(this.#position))) this.#position++;
    return this.#position > start;
  }

  #expect(character: string): void {
    if (this.#text[this.#position] !== character) throw malformedXml("A tag is malformed.");
    this.#position++;
  }

  #find(what: string, from: number): number {
    const found = this.#text.indexOf(what, from);
    if (found < 0) throw malformedXml("The document ends in the middle of a tag.");
    return found;
  }
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

/** Letters, digits, "_", ":", "-", "." and all beyond ASCII: S3's own names are ASCII, and unknown elements are skipped. NaN: the end. */
function isNameCharacter(code: number): boolean {
  if (code >= 0x61 && code <= 0x7a) return true;
  if (code >= 0x41 && code <= 0x5a) return true;
  return (code >= 0x80 && code < 0xfffe) || code === 0x5f || code === 0x3a || isOnlyInside(code);
}

/** Name characters that no name begins with. */
function isOnlyInside(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || code === 0x2d || code === 0x2e;
}
