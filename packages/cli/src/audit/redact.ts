/** Stands where something was that opens doors. */
const redacted = "*REDACTED*";

/** Signatures, keys of SSE-C, sessions: whoever reads an audit record shall not be able to act as the client. Lower case. */
const secretHeaders: ReadonlySet<string> = new Set([
  "authorization",
  "proxy-authorization",
  "cookie",
  "set-cookie",
  "x-amz-security-token",
  "x-amz-server-side-encryption-customer-key",
  "x-amz-server-side-encryption-customer-key-md5",
  "x-amz-copy-source-server-side-encryption-customer-key",
  "x-amz-copy-source-server-side-encryption-customer-key-md5",
]);

/** Of presigned requests (version 4 and 2), beside the headers above, which may stand in a query too. */
const secretParameters: ReadonlySet<string> = new Set([
  "x-amz-signature",
  "x-amz-credential",
  "signature",
  "awsaccesskeyid",
]);

/** Names and values in turn, as an object with the names in their usual case; values of one name are joined as HTTP joins them. */
export function redactHeaders(list: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let at = 0; at + 1 < list.length; at += 2) {
    const name = list[at] as string;
    const value = shownValue(name.toLowerCase(), list[at + 1] as string);
    const shown = name.replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase());
    headers[shown] = Object.hasOwn(headers, shown) ? `${headers[shown]}, ${value}` : value;
  }
  return headers;
}

function shownValue(name: string, value: string): string {
  if (secretHeaders.has(name)) return redacted;
  // A page may have been reached by a presigned link, and what is copied may not.
  return name === "referer" ? (value.split("?", 1)[0] as string) : value;
}

/** The query of a request's target as an object; null: it has none. */
export function redactQuery(rawQuery: string): Record<string, string> | null {
  const query: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(rawQuery)) {
    const lower = name.toLowerCase();
    query[name] = secretParameters.has(lower) || secretHeaders.has(lower) ? redacted : value;
  }
  return Object.keys(query).length === 0 ? null : query;
}
