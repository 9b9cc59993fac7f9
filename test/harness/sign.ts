import { createHash, createHmac } from "node:crypto";

/**
 * A signer of its own for tests (SigV4 as AWS documents it), so that the server's verifier is not tested against itself.
 */
export interface Credentials {
  readonly accessKey: string;
  readonly secretKey: string;
}

export interface Signable {
  readonly method: string;
  /** Path and query as sent. */
  readonly target: string;
  /** Name to value; `host` included. Values are signed as given. */
  readonly headers: Readonly<Record<string, string>>;
}

export const emptySha256 = createHash("sha256").digest("hex");
export const sha256Hex = (data: Uint8Array | string): string => createHash("sha256").update(data).digest("hex");
const hmac = (key: Buffer | string, text: string): Buffer => createHmac("sha256", key).update(text).digest();

export function amzDate(now = new Date()): string {
  return now.toISOString().replaceAll(/[-:]|\.\d{3}/g, "");
}

export function signingKey(secretKey: string, scope: { date: string; region: string }): Buffer {
  return hmac(hmac(hmac(hmac(`AWS4${secretKey}`, scope.date), scope.region), "s3"), "aws4_request");
}

export function canonicalQuery(query: string): string {
  if (query === "") return "";
  return query
    .split("&")
    .map((entry) => (entry.includes("=") ? entry : `${entry}=`))
    .sort((a, b) => {
      const [nameA = "", nameB = ""] = [a.split("=")[0], b.split("=")[0]];
      if (nameA !== nameB) return nameA < nameB ? -1 : 1;
      return a < b ? -1 : a > b ? 1 : 0;
    })
    .join("&");
}

/** Signs and gives the headers to send, `authorization` included. `signed`: which headers; all by default. */
export function signHeaders(
  request: Signable,
  credentials: Credentials,
  options: { region?: string; date?: string; signed?: readonly string[]; separator?: string } = {},
): { headers: Record<string, string>; signature: string; scope: string; date: string } {
  const date = options.date ?? request.headers["x-amz-date"] ?? amzDate();
  const region = options.region ?? "us-east-1";
  const headers: Record<string, string> = { ...request.headers, "x-amz-date": date };
  headers["x-amz-content-sha256"] ??= emptySha256;
  const byLowerName = new Map(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value.trim().replaceAll(/ +/g, " ")]),
  );
  const signed = [...(options.signed ?? byLowerName.keys())].map((name) => name.toLowerCase()).sort();
  const [path = "", query = ""] = request.target.split(/\?(.*)/s);
  const canonical = [
    request.method,
    path,
    canonicalQuery(query),
    ...signed.map((name) => `${name}:${byLowerName.get(name) ?? ""}`),
    "",
    signed.join(";"),
    byLowerName.get("x-amz-content-sha256"),
  ].join("\n");
  const scope = `${date.slice(0, 8)}/${region}/s3/aws4_request`;
  const toSign = `AWS4-HMAC-SHA256\n${date}\n${scope}\n${sha256Hex(Buffer.from(canonical, "latin1"))}`;
  const signature = hmac(signingKey(credentials.secretKey, { date: date.slice(0, 8), region }), toSign).toString("hex");
  const separator = options.separator ?? ", ";
  headers.authorization = `AWS4-HMAC-SHA256 Credential=${credentials.accessKey}/${scope}${separator}SignedHeaders=${signed.join(";")}${separator}Signature=${signature}`;
  return { headers, signature, scope, date };
}

/** A presigned target: path and query with the signature in it. */
export function presign(
  request: { method: string; target: string; host: string },
  credentials: Credentials,
  options: { expiresSeconds?: number; date?: string; region?: string } = {},
): string {
  const date = options.date ?? amzDate();
  const region = options.region ?? "us-east-1";
  const scope = `${date.slice(0, 8)}/${region}/s3/aws4_request`;
  const [path = "", query = ""] = request.target.split(/\?(.*)/s);
  const all = [
    ...(query === "" ? [] : [query]),
    "X-Amz-Algorithm=AWS4-HMAC-SHA256",
    `X-Amz-Credential=${encodeURIComponent(`${credentials.accessKey}/${scope}`)}`,
    `X-Amz-Date=${date}`,
    `X-Amz-Expires=${options.expiresSeconds ?? 600}`,
    "X-Amz-SignedHeaders=host",
  ].join("&");
  const canonical = [
    request.method,
    path,
    canonicalQuery(all),
    `host:${request.host}`,
    "",
    "host",
    "UNSIGNED-PAYLOAD",
  ].join("\n");
  const toSign = `AWS4-HMAC-SHA256\n${date}\n${scope}\n${sha256Hex(canonical)}`;
  const signature = hmac(signingKey(credentials.secretKey, { date: date.slice(0, 8), region }), toSign).toString("hex");
  return `${path}?${all}&X-Amz-Signature=${signature}`;
}

/** Frames a body as aws-chunked with chunk signatures, as minio-go and older SDKs do over http. */
export function frameSigned(
  body: Buffer,
  seed: { signature: string; scope: string; date: string },
  options: Credentials & { chunkSizeBytes?: number },
): Buffer {
  const [day = "", region = ""] = seed.scope.split("/");
  const key = signingKey(options.secretKey, { date: day, region });
  const chunkSizeBytes = options.chunkSizeBytes ?? 65536;
  const frames: Buffer[] = [];
  let previous = seed.signature;
  for (let at = 0; ; at += chunkSizeBytes) {
    const chunk = body.subarray(at, at + chunkSizeBytes);
    const toSign = ["AWS4-HMAC-SHA256-PAYLOAD", seed.date, seed.scope, previous, emptySha256, sha256Hex(chunk)].join(
      "\n",
    );
    previous = hmac(key, toSign).toString("hex");
    frames.push(
      Buffer.from(`${chunk.byteLength.toString(16)};chunk-signature=${previous}\r\n`),
      chunk,
      Buffer.from("\r\n"),
    );
    if (chunk.byteLength === 0) return Buffer.concat(frames);
  }
}

export function framedSizeBytes(bodySizeBytes: number, chunkSizeBytes = 65536): number {
  const frame = (size: number): number => size.toString(16).length + ";chunk-signature=".length + 64 + 2 + size + 2;
  let total = frame(0);
  for (let at = 0; at < bodySizeBytes; at += chunkSizeBytes)
    total += frame(Math.min(chunkSizeBytes, bodySizeBytes - at));
  return total;
}
