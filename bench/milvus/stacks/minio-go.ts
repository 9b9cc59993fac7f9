import { chunkSizeBytes, type Chunk, type Payload } from "../content.ts";
import { headText, type Framed, type Unframed } from "./framing.ts";
import { emptySha256Hex, type Signed, type Signer } from "./signature.ts";

/**
 * minio-go 7.0.73 without TLS, as recorded in test/wire/fixtures: uploads in signed chunks of 64 KiB and without `Content-Encoding`, an
 * empty one without Content-Length, their Authorization without spaces; XML by its SHA-256; what has no body unsigned where it changes
 * something.
 */
export function frameAsMinioGo(request: Unframed, signer: Signer): Framed {
  return request.method === "PUT" && request.payload !== undefined
    ? frameUpload(request, request.payload, signer)
    : frameOther(request, signer);
}

const userAgent = "MinIO (linux; amd64) minio-go/v7.0.73";
const emptyFrameSizeBytes = frameSizeBytes(0);

function frameUpload(request: Unframed, payload: Payload, signer: Signer): Framed {
  const payloadHash = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
  const { "content-type": type, ...own } = request.headers ?? {};
  const decoded = { ...own, "x-amz-decoded-content-length": String(payload.sizeBytes) };
  const signed = signer.sign({
    method: request.method,
    target: request.target,
    signed: decoded,
    payloadHash,
    separator: ",",
  });
  const body = signedChunks(payload, signed);
  const length: readonly [string, string] =
    payload.sizeBytes === 0
      ? ["Transfer-Encoding", "chunked"]
      : ["Content-Length", String(framedSizeBytes(payload.sizeBytes))];
  const head = headText(request, [
    ["Host", signer.host],
    ["User-Agent", userAgent],
    length,
    ["Authorization", signed.authorization],
    ...(type === undefined ? [] : [["Content-Type", type] as const]),
    ["X-Amz-Content-Sha256", payloadHash],
    ["X-Amz-Date", signed.amzDate],
    ...Object.entries(decoded),
  ]);
  if (payload.sizeBytes > 0) return { head, body, sendBody: "at once" };
  const size = Buffer.from(`${emptyFrameSizeBytes.toString(16)}\r\n`);
  return { head, body: [size, ...body, Buffer.from("\r\n0\r\n\r\n")], sendBody: "at once" };
}

function frameOther(request: Unframed, signer: Signer): Framed {
  const { payload, headers = {} } = request;
  const changes = request.method === "PUT" || request.method === "POST";
  const payloadHash =
    payload !== undefined ? payload.digest("sha256").toString("hex") : changes ? "UNSIGNED-PAYLOAD" : emptySha256Hex;
  const signed = signer.sign({
    method: request.method,
    target: request.target,
    signed: headers,
    payloadHash,
    separator: ", ",
  });
  const head = headText(request, [
    ["Host", signer.host],
    ["User-Agent", userAgent],
    ...(changes ? [["Content-Length", String(payload?.sizeBytes ?? 0)] as const] : []),
    ["Authorization", signed.authorization],
    ["X-Amz-Content-Sha256", payloadHash],
    ["X-Amz-Date", signed.amzDate],
    ...Object.entries(headers),
  ]);
  return { head, body: payload?.pieces ?? null, sendBody: "at once" };
}

function signedChunks(payload: Payload, signed: Signed): Buffer[] {
  const pieces: Buffer[] = [];
  let previous = signed.signature;
  const push = (chunk: Chunk): void => {
    previous = signed.chunkSignature(previous, chunk.sha256Hex);
    pieces.push(
      Buffer.from(`${chunk.sizeBytes.toString(16)};chunk-signature=${previous}\r\n`),
      ...chunk.pieces,
      lineEnd,
    );
  };
  for (let at = 0; at < payload.sizeBytes; at += chunkSizeBytes) push(payload.chunk(at / chunkSizeBytes));
  push({ pieces: [], sizeBytes: 0, sha256Hex: emptySha256Hex });
  return pieces;
}

const lineEnd = Buffer.from("\r\n");

function framedSizeBytes(sizeBytes: number): number {
  const rest = sizeBytes % chunkSizeBytes;
  const whole = Math.floor(sizeBytes / chunkSizeBytes) * frameSizeBytes(chunkSizeBytes);
  return whole + (rest === 0 ? 0 : frameSizeBytes(rest)) + emptyFrameSizeBytes;
}

function frameSizeBytes(sizeBytes: number): number {
  return sizeBytes.toString(16).length + ";chunk-signature=".length + 64 + 2 + sizeBytes + 2;
}
