import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import { stampOf } from "../drivers/calendar.ts";
import { canonicalQuery } from "./percent.ts";
import { keyOfDay, type SessionKeys } from "./signing-keys.ts";

const algorithm = "AWS4-HMAC-SHA256";
export const emptyDigest = bytesToHex(sha256(new Uint8Array()));

export interface Unsigned {
  readonly method: string;
  /** Host and port as the browser sends them. */
  readonly host: string;
  /** Percent-encoded, as `objectPath` gives it. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  /** Beside those of the signature; names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** SHA-256 of the body in hexadecimal. */
  readonly bodyDigest: string;
}

export interface Signed {
  /** Path and query. */
  readonly target: string;
  /** All but `host`, which the browser sends by itself. */
  readonly headers: Readonly<Record<string, string>>;
}

/** The keys' days are over: one signs in again. */
export class SessionExpired extends Error {
  override readonly name = "SessionExpired";
}

/** Signs by AWS Signature Version 4 for service s3, every header and the body's digest covered. Throws SessionExpired. */
export function signRequest(request: Unsigned, keys: SessionKeys, nowMs: number): Signed {
  const stamp = stampOf(nowMs);
  const headers: Record<string, string> = {
    ...request.headers,
    "x-amz-content-sha256": request.bodyDigest,
    "x-amz-date": stamp,
  };
  const query = canonicalQuery(request.query);
  const { scope, names, signature } = sign(
    { ...request, query, headers: { ...headers, host: request.host }, payload: request.bodyDigest },
    keys,
    stamp,
  );
  headers["authorization"] =
    `${algorithm} Credential=${keys.accessKey}/${scope}, SignedHeaders=${names}, Signature=${signature}`;
  return { target: query === "" ? request.path : `${request.path}?${query}`, headers };
}

export interface Presigned {
  /** With a scheme: `http://host:9000`. */
  readonly endpoint: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly expiresSeconds: number;
}

/** A link that gives the object to whoever has it until it expires. Throws SessionExpired. */
export function presignUrl(wanted: Presigned, keys: SessionKeys, nowMs: number): string {
  const stamp = stampOf(nowMs);
  const { host, origin } = new URL(wanted.endpoint);
  const query = canonicalQuery({
    ...wanted.query,
    "X-Amz-Algorithm": algorithm,
    "X-Amz-Credential": `${keys.accessKey}/${scopeOf(keys, stamp)}`,
    "X-Amz-Date": stamp,
    "X-Amz-Expires": String(wanted.expiresSeconds),
    "X-Amz-SignedHeaders": "host",
  });
  const parts = { method: "GET", path: wanted.path, query, headers: { host }, payload: "UNSIGNED-PAYLOAD" };
  const { signature } = sign(parts, keys, stamp);
  return `${origin}${wanted.path}?${query}&X-Amz-Signature=${signature}`;
}

function scopeOf(keys: SessionKeys, stamp: string): string {
  return `${stamp.slice(0, 8)}/${keys.region}/s3/aws4_request`;
}

function sign(
  parts: {
    readonly method: string;
    readonly path: string;
    readonly query: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly payload: string;
  },
  keys: SessionKeys,
  stamp: string,
): { readonly scope: string; readonly names: string; readonly signature: string } {
  const key = keyOfDay(keys, stamp.slice(0, 8));
  if (key === null) throw new SessionExpired("the keys of this session are of another day");
  const names = Object.keys(parts.headers).sort();
  const canonical = [
    parts.method,
    parts.path,
    parts.query,
    ...names.map((name) => `${name}:${parts.headers[name]?.trim()}`),
    "",
    names.join(";"),
    parts.payload,
  ].join("\n");
  const scope = scopeOf(keys, stamp);
  const toSign = [algorithm, stamp, scope, bytesToHex(sha256(utf8ToBytes(canonical)))].join("\n");
  return { scope, names: names.join(";"), signature: bytesToHex(hmac(sha256, key, utf8ToBytes(toSign))) };
}
