import { createHash, createHmac } from "node:crypto";

/** AWS Signature Version 4 as a client makes it, written from AWS's description and not from our verifier. Tests only. */
export interface Credentials {
  readonly accessKey: string;
  readonly secret: string;
}

export interface Unsigned {
  readonly method: string;
  /** As it will be sent: path, then "?" and query. */
  readonly target: string;
  /** Lower-case names; values with one char per byte. */
  readonly headers: Readonly<Record<string, string>>;
  readonly payloadHash: string;
}

export interface Signed {
  readonly authorization: string;
  readonly signature: string;
  readonly signingKey: Buffer;
  readonly scope: string;
}

const region = "us-east-1";

export function sha256Hex(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}

export function amzDate(ms: number): string {
  return `${new Date(ms).toISOString().replace(/[-:]/g, "").slice(0, 15)}Z`;
}

/** Signs all given headers. */
export function signRequest(request: Unsigned, credentials: Credentials, date: string): Signed {
  const names = Object.keys(request.headers).sort();
  const signedHeaders = names.join(";");
  const { signature, scope, signingKey } = sign(request, { names, date }, credentials);
  const authorization = `AWS4-HMAC-SHA256 Credential=${credentials.accessKey}/${scope}, SignedHeaders=${signedHeaders}, Signature=${signature}`;
  return { authorization, signature, signingKey, scope };
}

/** The target with a presigned query. `headers`: those signed beside host. */
export function presign(
  request: Omit<Unsigned, "payloadHash">,
  credentials: Credentials,
  options: { date: string; expiresSeconds: number | string },
): string {
  const names = Object.keys(request.headers).sort();
  const scope = `${options.date.slice(0, 8)}/${region}/s3/aws4_request`;
  const query = [
    ["X-Amz-Algorithm", "AWS4-HMAC-SHA256"],
    ["X-Amz-Credential", `${credentials.accessKey}/${scope}`],
    ["X-Amz-Date", options.date],
    ["X-Amz-Expires", String(options.expiresSeconds)],
    ["X-Amz-SignedHeaders", names.join(";")],
  ].map(([name, value]) => `${name}=${encode(value as string)}`);
  const target = `${request.target}${request.target.includes("?") ? "&" : "?"}${query.join("&")}`;
  const { signature } = sign(
    { ...request, target, payloadHash: "UNSIGNED-PAYLOAD" },
    { names, date: options.date },
    credentials,
  );
  return `${target}&X-Amz-Signature=${signature}`;
}

/** aws-chunked with a signature on each chunk; `trailer`: signed too. */
export function signChunks(
  body: Buffer,
  signed: Signed,
  options: { date: string; chunkSizeBytes: number; trailer?: string },
): Buffer {
  const frames: Buffer[] = [];
  let previous = signed.signature;
  const emptyHash = sha256Hex("");
  const starts = Array.from(
    { length: Math.ceil(body.byteLength / options.chunkSizeBytes) },
    (_, i) => i * options.chunkSizeBytes,
  );
  for (const start of [...starts, body.byteLength]) {
    const chunk = start === body.byteLength ? Buffer.alloc(0) : body.subarray(start, start + options.chunkSizeBytes);
    const text = `AWS4-HMAC-SHA256-PAYLOAD\n${options.date}\n${signed.scope}\n${previous}\n${emptyHash}\n${sha256Hex(chunk)}`;
    previous = createHmac("sha256", signed.signingKey).update(text).digest("hex");
    frames.push(Buffer.from(`${chunk.byteLength.toString(16)};chunk-signature=${previous}\r\n`), chunk);
    if (chunk.byteLength > 0 || options.trailer === undefined) frames.push(Buffer.from("\r\n"));
  }
  if (options.trailer !== undefined) {
    const text = `AWS4-HMAC-SHA256-TRAILER\n${options.date}\n${signed.scope}\n${previous}\n${sha256Hex(`${options.trailer}\n`)}`;
    const signature = createHmac("sha256", signed.signingKey).update(text).digest("hex");
    frames.push(Buffer.from(`${options.trailer}\r\nx-amz-trailer-signature:${signature}\r\n\r\n`));
  }
  return Buffer.concat(frames);
}

/** aws-chunked without signatures. */
export function frameChunks(body: Buffer, options: { chunkSizeBytes: number; trailer?: string }): Buffer {
  const frames: Buffer[] = [];
  for (let at = 0; at < body.byteLength; at += options.chunkSizeBytes) {
    const chunk = body.subarray(at, at + options.chunkSizeBytes);
    frames.push(Buffer.from(`${chunk.byteLength.toString(16)}\r\n`), chunk, Buffer.from("\r\n"));
  }
  frames.push(Buffer.from(options.trailer === undefined ? "0\r\n\r\n" : `0\r\n${options.trailer}\r\n\r\n`));
  return Buffer.concat(frames);
}

function sign(
  request: Unsigned,
  parts: { names: readonly string[]; date: string },
  credentials: Credentials,
): Omit<Signed, "authorization"> {
  const [path, query = ""] = split(request.target);
  const sortedQuery = query
    .split("&")
    .filter((part) => part !== "")
    .map((part) => (part.includes("=") ? part : `${part}=`))
    .sort((a, b) =>
      Buffer.compare(Buffer.from(a.replace("=", "\0"), "latin1"), Buffer.from(b.replace("=", "\0"), "latin1")),
    )
    .join("&");
  const headers = parts.names
    .map((name) => `${name}:${(request.headers[name] as string).trim().replace(/ +/g, " ")}\n`)
    .join("");
  const canonical = [request.method, path, sortedQuery, headers, parts.names.join(";"), request.payloadHash].join("\n");
  const scope = `${parts.date.slice(0, 8)}/${region}/s3/aws4_request`;
  const text = `AWS4-HMAC-SHA256\n${parts.date}\n${scope}\n${sha256Hex(Buffer.from(canonical, "latin1"))}`;
  const hmac = (key: Buffer | string, data: string): Buffer => createHmac("sha256", key).update(data).digest();
  const signingKey = hmac(
    hmac(hmac(hmac(`AWS4${credentials.secret}`, parts.date.slice(0, 8)), region), "s3"),
    "aws4_request",
  );
  return { signature: createHmac("sha256", signingKey).update(text).digest("hex"), scope, signingKey };
}

function split(target: string): [string, string?] {
  const path = target.replace(/^https?:\/\/[^/?]*/, "");
  const mark = path.indexOf("?");
  return mark < 0 ? [path] : [path.slice(0, mark), path.slice(mark + 1)];
}

export function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}
