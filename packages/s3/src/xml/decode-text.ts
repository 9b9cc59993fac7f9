import { malformedXml } from "./malformed-xml.ts";

const entities: ReadonlyMap<string, string> = new Map([
  ["lt", "<"],
  ["gt", ">"],
  ["amp", "&"],
  ["quot", '"'],
  ["apos", "'"],
]);

/** Character data with its references replaced and its line ends made one line feed. Throws MalformedXML. */
export function decodeText(raw: string): string {
  if (raw.includes("]]>")) throw malformedXml('"]]>" stands outside of CDATA.');
  const text = checkCharacters(raw);
  return text.includes("&") ? decodeReferences(text) : text;
}

/**
 * As it stands, line ends apart: CDATA, comments. Throws MalformedXML on NUL. The other characters that XML 1.0 has no place for
 * are taken: boto3 and the JavaScript SDK put a key into DeleteObjects as it is.
 */
export function checkCharacters(raw: string): string {
  if (raw.includes("\0")) throw malformedXml("There is a NUL character.");
  return raw.includes("\r") ? raw.replace(/\r\n?/g, "\n") : raw;
}

/** Throws MalformedXML on a bare "&" and on every entity but the five. */
export function decodeReferences(text: string): string {
  let decoded = "";
  let start = 0;
  for (let at = text.indexOf("&"); at >= 0; at = text.indexOf("&", start)) {
    const end = text.indexOf(";", at);
    if (end < 0) throw malformedXml("An entity does not end.");
    decoded += text.slice(start, at) + decodeReference(text.slice(at + 1, end));
    start = end + 1;
  }
  return decoded + text.slice(start);
}

function decodeReference(name: string): string {
  const entity = entities.get(name);
  if (entity !== undefined) return entity;
  const number = /^#(?:x([0-9a-fA-F]{1,8})|([0-9]{1,8}))$/.exec(name);
  const code = number === null ? 0 : number[1] === undefined ? Number(number[2]) : Number.parseInt(number[1], 16);
  // Control characters by reference are more than XML 1.0 allows: LIST writes such keys so, and DeleteObjects must be able to name them.
  const isCharacter = code > 0 && code <= 0x10_ffff && !(code >= 0xd800 && code <= 0xdfff);
  if (!isCharacter) throw malformedXml(`There is no entity "${name.slice(0, 20)}".`);
  return String.fromCodePoint(code);
}
