import { createHmac, timingSafeEqual } from "node:crypto";
import { SECOND_MS } from "@kakera/kernel";

export type SecretOf = (accessKey: string) => string | null;

/** The only algorithms believed: whatever else a token names (none, RS256) is refused before its key is looked at. */
const digestOf: Readonly<Record<string, string>> = { HS256: "sha256", HS384: "sha384", HS512: "sha512" };
const tokenBytesMax = 4096;

/**
 * A bearer token for scrapes: a JWT whose subject is an access key, issuer "prometheus", with an end, signed with that
 * key's secret: the form that `mc admin prometheus generate` makes. `authorization`: the header's value.
 */
export function isMetricsToken(authorization: string | null, nowMs: number, secretOf: SecretOf): boolean {
  const token = /^Bearer +(\S+)$/i.exec(authorization ?? "")?.[1];
  if (token === undefined || token.length > tokenBytesMax) return false;
  const [head, claims, signature, ...rest] = token.split(".");
  if (head === undefined || claims === undefined || signature === undefined || rest.length > 0) return false;
  const { alg } = json(head);
  const digest = typeof alg === "string" && Object.hasOwn(digestOf, alg) ? digestOf[alg] : undefined;
  const { sub, iss, exp } = json(claims);
  if (digest === undefined || typeof sub !== "string" || iss !== "prometheus" || typeof exp !== "number") return false;
  if (exp * SECOND_MS < nowMs) return false;
  const secret = secretOf(sub);
  if (secret === null) return false;
  const expected = createHmac(digest, secret).update(`${head}.${claims}`).digest();
  const given = Buffer.from(signature, "base64url");
  return given.byteLength === expected.byteLength && timingSafeEqual(given, expected);
}

/** Makes such a token. `expiresSeconds`: since the epoch. */
export function signMetricsToken(accessKey: string, secret: string, expiresSeconds: number): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signed = `${part({ alg: "HS512", typ: "JWT" })}.${part({ sub: accessKey, iss: "prometheus", exp: expiresSeconds })}`;
  return `${signed}.${createHmac("sha512", secret).update(signed).digest("base64url")}`;
}

function json(part: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
