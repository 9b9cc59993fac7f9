/** What has no shape of its own, or turns the direction of what follows. */
export const unseen =
  // oxlint-disable-next-line no-control-regex
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g;

/**
 * A name as it can be read, what is unseen by its number. A file called "gpj.exe" with a reversing mark before it must not look like a
 * picture.
 */
export function visibleName(name: string): string {
  if (name === "") return "(no name)";
  return name.replace(unseen, (character) => {
    const code = character.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0");
    return `\u27e8U+${code}\u27e9`;
  });
}
