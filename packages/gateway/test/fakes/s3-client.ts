import {
  encode,
  amzDate,
  frameChunks,
  presign,
  sha256Hex,
  signChunks,
  signRequest,
  type Credentials,
} from "./signer.ts";
import { RawConnection, type RawAnswer } from "./raw-client.ts";

export interface S3Call {
  readonly method: string;
  /** Bucket and key as text; encoded by the client. Or `target`, sent as it is. */
  readonly bucket?: string;
  readonly key?: string;
  readonly target?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent but left out of the signature. */
  readonly unsignedHeaders?: Readonly<Record<string, string>>;
  readonly body?: Buffer | string;
  readonly payload?: "literal" | "unsigned" | "streaming" | "streaming-trailer" | "unsigned-trailer";
  /** Of a payload with trailer: `name:value`. */
  readonly trailer?: string;
  readonly chunkSizeBytes?: number;
  readonly credentials?: Credentials | "anonymous";
  readonly host?: string;
  readonly httpVersion?: "1.0" | "1.1";
}

export interface S3Answer extends RawAnswer {
  readonly text: string;
  /** Text of the first element of that name, entities undone. */
  xml(name: string): string | undefined;
  xmlAll(name: string): string[];
  readonly code: string | undefined;
}

/** A request as bytes: head and body apart, so that a test can hold one back. */
export interface WireRequest {
  readonly head: string;
  readonly body: Buffer;
}

/** A small S3 client that signs like an SDK and hides nothing. One connection for each call. */
export class S3Client {
  readonly port: number;
  readonly #credentials: Credentials;
  readonly #nowMs: () => number;

  constructor(port: number, credentials: Credentials, nowMs: () => number) {
    this.port = port;
    this.#credentials = credentials;
    this.#nowMs = nowMs;
  }

  async call(call: S3Call): Promise<S3Answer> {
    const connection = await RawConnection.open(this.port);
    try {
      const wire = this.wire(call);
      connection.send(wire.head);
      if (wire.body.byteLength > 0) connection.send(wire.body);
      return readable(await connection.answer(call.method === "HEAD" ? { hasBody: "no" } : {}));
    } finally {
      connection.destroy();
    }
  }

  wire(call: S3Call): WireRequest {
    const date = amzDate(this.#nowMs());
    const body = Buffer.from(call.body ?? "");
    const payload = call.payload ?? "literal";
    const hasBody = call.body !== undefined || call.method === "PUT" || call.method === "POST";
    const target = targetOf(call);
    const payloadHash = payloadHashOf(payload, body);
    const isChunked = payload !== "literal" && payload !== "unsigned";
    const signedHeaders: Record<string, string> = { host: call.host ?? `127.0.0.1:${this.port}`, ...call.headers };
    const isAnonymous = call.credentials === "anonymous";
    if (!isAnonymous)
      Object.assign(signedHeaders, { "x-amz-date": date, "x-amz-content-sha256": payloadHash, ...call.headers });
    if (isChunked) signedHeaders["x-amz-decoded-content-length"] ??= String(body.byteLength);
    if (call.trailer !== undefined) signedHeaders["x-amz-trailer"] ??= call.trailer.slice(0, call.trailer.indexOf(":"));
    const credentials = isAnonymous ? null : ((call.credentials as Credentials | undefined) ?? this.#credentials);
    const signed =
      credentials === null
        ? null
        : signRequest({ method: call.method, target, headers: signedHeaders, payloadHash }, credentials, date);
    const trailer = call.trailer === undefined ? {} : { trailer: call.trailer };
    const chunkSizeBytes = call.chunkSizeBytes ?? 64 * 1024;
    const framed =
      signed !== null && (payload === "streaming" || payload === "streaming-trailer")
        ? signChunks(body, signed, { date, chunkSizeBytes, ...trailer })
        : payload === "unsigned-trailer"
          ? frameChunks(body, { chunkSizeBytes, ...trailer })
          : body;
    const headers: Record<string, string> = { ...signedHeaders, ...call.unsignedHeaders };
    if (signed !== null) headers["authorization"] = signed.authorization;
    if (hasBody && headers["content-length"] === undefined && headers["transfer-encoding"] === undefined) {
      headers["content-length"] = String(framed.byteLength);
    }
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    return {
      head: `${call.method} ${target} HTTP/${call.httpVersion ?? "1.1"}\r\n${lines.join("")}\r\n`,
      body: framed,
    };
  }

  /** A presigned target for a client that knows nothing of signing. */
  presigned(call: S3Call & { expiresSeconds?: number | string; signedAtMs?: number }): string {
    const headers = { host: call.host ?? `127.0.0.1:${this.port}`, ...call.headers };
    const credentials = (call.credentials as Credentials | undefined) ?? this.#credentials;
    const date = amzDate(call.signedAtMs ?? this.#nowMs());
    return presign({ method: call.method, target: targetOf(call), headers }, credentials, {
      date,
      expiresSeconds: call.expiresSeconds ?? 900,
    });
  }
}

export function targetOf(call: S3Call): string {
  if (call.target !== undefined) return call.target;
  const path =
    call.bucket === undefined
      ? "/"
      : `/${call.bucket}${call.key === undefined ? "" : `/${call.key.split("/").map(encode).join("/")}`}`;
  const query = Object.entries(call.query ?? {}).map(([name, value]) => `${encode(name)}=${encode(value)}`);
  return query.length === 0 ? path : `${path}?${query.join("&")}`;
}

export function readable(answer: RawAnswer): S3Answer {
  let decoded: string | null = null;
  // Only on demand: most bodies are objects of many MiB that nobody reads as text.
  const text = (): string => (decoded ??= answer.body.toString("utf8"));
  const xmlAll = (name: string): string[] =>
    [...text().matchAll(new RegExp(`<${name}(?: [^>]*)?(?:/>|>([^]*?)</${name}>)`, "g"))].map((match) =>
      unescapeXml(match[1] ?? ""),
    );
  return {
    ...answer,
    xmlAll,
    xml: (name) => xmlAll(name)[0],
    get text() {
      return text();
    },
    get code() {
      return xmlAll("Code")[0];
    },
  };
}

function unescapeXml(text: string): string {
  return text
    .replace(/&#x([0-9a-f]+);/gi, (_, hex: string) => String.fromCodePoint(Number.parseInt(hex, 16)))
    .replace(/&#(\d+);/g, (_, number: string) => String.fromCodePoint(Number(number)))
    .replace(/&lt;/g, "<")
    .replace(/&gt;/g, ">")
    .replace(/&quot;/g, '"')
    .replace(/&apos;/g, "'")
    .replace(/&amp;/g, "&");
}

function payloadHashOf(payload: NonNullable<S3Call["payload"]>, body: Buffer): string {
  switch (payload) {
    case "literal":
      return sha256Hex(body);
    case "unsigned":
      return "UNSIGNED-PAYLOAD";
    case "streaming":
      return "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
    case "streaming-trailer":
      return "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";
    case "unsigned-trailer":
      return "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
  }
}
