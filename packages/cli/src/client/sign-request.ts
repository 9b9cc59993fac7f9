import { createHash, createHmac } from "node:crypto";
import type { Credentials } from "../config/credentials.ts";

const algorithm = "AWS4-HMAC-SHA256";

export interface PlainRequest {
  readonly method: string;
  readonly url: URL;
  readonly body: string;
}

/** Headers that sign a request by AWS Signature Version 4 for service s3: host, date and the body's digest are covered. */
export function signRequest(
  request: PlainRequest,
  by: { readonly credentials: Credentials; readonly region: string; readonly nowMs: number },
): Record<string, string> {
  const stamp = new Date(by.nowMs).toISOString().replace(/[-:]|\.\d{3}/g, "");
  const day = stamp.slice(0, 8);
  const bodyDigest = createHash("sha256").update(request.body).digest("hex");
  const headers: Record<string, string> = {
    host: request.url.host,
    "x-amz-content-sha256": bodyDigest,
    "x-amz-date": stamp,
  };
  const names = Object.keys(headers).join(";");
  const canonical = [
    request.method,
    request.url.pathname,
    canonicalQuery(request.url.searchParams),
    ...Object.entries(headers).map(([name, value]) => `${name}:${value}`),
    "",
    names,
    bodyDigest,
  ].join("\n");
  const scope = `${day}/${by.region}/s3/aws4_request`;
  const toSign = [algorithm, stamp, scope, createHash("sha256").update(canonical).digest("hex")].join("\n");
  const key = [day, by.region, "s3", "aws4_request"].reduce<Buffer | string>(hmac, `AWS4${by.credentials.secretKey}`);
  const signature = createHmac("sha256", key).update(toSign).digest("hex");
  const credential = `Credential=${by.credentials.accessKey}/${scope}`;
  return { ...headers, authorization: `${algorithm} ${credential}, SignedHeaders=${names}, Signature=${signature}` };
}

function canonicalQuery(parameters: URLSearchParams): string {
  return [...parameters]
    .map(([name, value]) => `${encodeRfc3986(name)}=${encodeRfc3986(value)}`)
    .sort()
    .join("&");
}

function encodeRfc3986(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function hmac(key: Buffer | string, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}
