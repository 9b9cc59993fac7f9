/** A document of the server's as elements. It is parsed as data: nothing in it is run, loaded or shown. */
export function parseXml(text: string): Element {
  return new DOMParser().parseFromString(text, "application/xml").documentElement;
}

export function childrenOf(element: Element, name: string): Element[] {
  return [...element.children].filter((child) => child.localName === name);
}

/** "" where there is none. */
export function textOf(element: Element, name: string): string {
  return childrenOf(element, name)[0]?.textContent ?? "";
}

/** As `encoding-type=url` sends it. */
export function urlDecoded(text: string): string {
  return decodeURIComponent(text.replaceAll("+", "%20"));
}

/** Text between tags. Line ends and tabs as references: a parser would make others of them. */
export function escapeXml(text: string): string {
  return text.replace(/[<>&\r\n\t]/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** Whether XML 1.0 can carry it. */
export function isXmlText(text: string): boolean {
  // oxlint-disable-next-line no-control-regex
  return text.isWellFormed() && !/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/.test(text);
}
