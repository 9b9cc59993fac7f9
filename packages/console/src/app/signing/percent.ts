/** A text as S3's canonical form has it: everything but A-Z a-z 0-9 - . _ ~ as %XX of its UTF-8 bytes. */
export function encodePercent(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/**
 * The path of an object. A browser takes "." and ".." between slashes for steps through folders, also when they are percent-encoded: where a
 * key has them, its slashes are encoded instead, and nothing is left to be taken for a step. null: the whole key is such a step, and no
 * browser can ask for it.
 */
export function objectPath(bucket: string, key: string): string | null {
  if (key === "." || key === "..") return null;
  const segments = key.split("/").map(encodePercent);
  const hasSteps = segments.some((segment) => segment === "." || segment === "..");
  return `/${bucket}/${segments.join(hasSteps ? "%2F" : "/")}`;
}

/** Names and values in the order of the canonical form. */
export function canonicalQuery(parameters: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(parameters).map(([name, value]) => [encodePercent(name), encodePercent(value)] as const);
  pairs.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return pairs.map(([name, value]) => `${name}=${value}`).join("&");
}
