// Control characters, and the two code points that XML 1.0 forbids outright.
// oxlint-disable-next-line no-control-regex
const special = /[<>&"\u0000-\u001f\u007f-\u009f\ufffe\uffff]/;
// oxlint-disable-next-line no-control-regex
const specials = new RegExp(special.source, "g");

/**
 * Text for an XML element. Control characters become numeric references, as AWS writes them: XML 1.0 parsers may refuse
 * some, but raw they would be refused by all.
 */
export function escapeXml(text: string): string {
  return special.test(text) ? text.replace(specials, escapeCharacter) : text;
}

function escapeCharacter(character: string): string {
  switch (character) {
    case "<":
      return "&lt;";
    case ">":
      return "&gt;";
    case "&":
      return "&amp;";
    case '"':
      return "&quot;";
    default:
      return `&#${character.charCodeAt(0)};`;
  }
}
