import fc from "fast-check";
import { SaxesParser } from "saxes";
import { describe, expect, it } from "vitest";
import { S3Error } from "../src/index.ts";
import { readXmlTree, type XmlElement } from "../src/xml/read-tree.ts";

interface PlainElement {
  readonly name: string;
  text: string;
  readonly children: PlainElement[];
}

/** What a general, strict parser makes of a document; null when it refuses. */
function readBySaxes(document: string): PlainElement | null {
  const open: PlainElement[] = [{ name: "", text: "", children: [] }];
  const parser = new SaxesParser();
  const refuse = (): never => {
    throw new SyntaxError("refused");
  };
  parser.on("error", refuse);
  parser.on("doctype", refuse);
  parser.on("processinginstruction", refuse);
  parser.on("opentag", (tag) => {
    const element: PlainElement = { name: tag.name.slice(tag.name.indexOf(":") + 1), text: "", children: [] };
    open.at(-1)!.children.push(element);
    open.push(element);
  });
  parser.on("text", (text) => (open.at(-1)!.text += text));
  parser.on("cdata", (text) => (open.at(-1)!.text += text));
  parser.on("closetag", () => open.pop());
  try {
    parser.write(document).close();
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
  return open[0]!.children[0] ?? null;
}

function readByUs(document: string): PlainElement | null {
  try {
    return plain(readXmlTree(document));
  } catch (error) {
    if (error instanceof S3Error && error.code === "MalformedXML") return null;
    throw error;
  }
}

const plain = ({ name, text, children }: XmlElement): PlainElement => ({ name, text, children: children.map(plain) });

/** Control characters that XML 1.0 has no place for are read as they stand; the general parser is shown a sign in their stead. */
const tame = (document: string): string => document.replaceAll("\u0001", "¤").replaceAll("\ufffe", "¤");

const tamed = ({ name, text, children }: PlainElement): PlainElement => ({
  name,
  text: tame(text),
  children: children.map(tamed),
});

describe("line 46: the XML reader agrees with a general one", () => {
  const pieces = fc.constantFrom(
    "<a>",
    "</a>",
    "<b>",
    "</b>",
    "<a/>",
    "<s:a>",
    "</s:a>",
    "</a >",
    "<a >",
    '<a x="1">',
    "<a x='>'>",
    '<a x="1" x="2">',
    '<a x="1"y="2">',
    "<a x=1>",
    "<a x>",
    '<a x="<">',
    '<a x="&lt;">',
    '<a x="&no;">',
    "<a x = '1' />",
    "< a>",
    "<1>",
    "<a",
    ">",
    "<",
    "/",
    "&",
    "&amp;",
    "&lt;",
    "&#65;",
    "&#x1F600;",
    "&#xD800;",
    "&#;",
    "&nbsp;",
    "&amp",
    ";",
    "]]>",
    "]]",
    "<![CDATA[",
    "<![CDATA[x<&]]>",
    "<!-- c -->",
    "<!--",
    "-->",
    "<!-- a -- b -->",
    "<!--->",
    "<!DOCTYPE a>",
    "<?pi x?>",
    "<?xml version='1.0'?>",
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<?xml encoding="UTF-8"?>',
    " ",
    "\n",
    "\r\n",
    "\r",
    "\t",
    "x",
    "é",
    "\u{1f600}",
    "\u0001",
    "\ufffe",
    "=",
    '"',
    "'",
  );

  it("on documents made of all that XML is made of", () => {
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), fc.boolean(), (list, isWrapped) => {
        const document = isWrapped ? `<r>${list.join("")}</r>` : list.join("");
        const read = readByUs(document);
        expect(read === null ? null : tamed(read), JSON.stringify(document)).toEqual(readBySaxes(tame(document)));
      }),
      { numRuns: 10_000 },
    );
  });

  it("on well-formed documents of any shape", () => {
    const text = fc
      .array(fc.constantFrom("x", " ", "&amp;", "&#13;", "\r\n", "<![CDATA[<]]>", "<!-- - -->", "漢"), { maxLength: 4 })
      .map((parts) => parts.join(""));
    const name = fc.constantFrom("a", "s:b", "c-d", "_e", "é");
    const attributes = fc.constantFrom("", ' x="1"', " x='&gt;' y:z=''");
    const tag = (inside: fc.Arbitrary<string>): fc.Arbitrary<string> =>
      fc
        .tuple(name, attributes, inside)
        .map(([tagName, written, content]) => `<${tagName}${written}>${content}</${tagName}>`);
    const { element } = fc.letrec<{ element: string }>((tie) => ({
      element: fc.oneof(
        { maxDepth: 4 },
        tag(text),
        tag(fc.tuple(text, tie("element"), text, tie("element")).map((parts) => parts.join(""))),
      ),
    }));
    fc.assert(
      fc.property(element, (document) => {
        const expected = readBySaxes(document);
        expect(expected).not.toBeNull();
        expect(readByUs(document)).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });

  it("but for control characters by reference, which LIST writes and DeleteObjects must be able to name", () => {
    expect(readBySaxes("<k>&#1;&#x1f;</k>")).toBeNull();
    expect(readByUs("<k>&#1;&#x1f;</k>")?.text).toBe("\u0001\u001f");
    expect(readByUs("<k>&#0;</k>")).toBeNull();
  });

  it("and as they stand, which is how boto3 and the JavaScript SDK send them; NUL is in no key", () => {
    const key = "a\u0001\u000b\u001f\ufffe\uffff";
    expect(readBySaxes(`<k>${key}</k>`)).toBeNull();
    expect(readByUs(`<k>${key}</k>`)?.text).toBe(key);
    expect(readByUs(`<k><![CDATA[${key}]]></k>`)?.text).toBe(key);
    expect(readByUs("<k>\u0000</k>")).toBeNull();
    expect(readByUs("<k\u0001></k\u0001>")).toBeNull();
    expect(readByUs("<k\ufffe></k\ufffe>")).toBeNull();
  });

  it("but for a bound on depth", () => {
    const nested = (depth: number): string => "<a>".repeat(depth) + "</a>".repeat(depth);
    expect(readByUs(nested(64))).not.toBeNull();
    expect(readByUs(nested(65))).toBeNull();
  });
});
