import { randomUUID } from "node:crypto";
import { chunkSizeBytes, type Payload } from "../content.ts";
import { headText, type Framed, type Unframed } from "./framing.ts";
import { emptySha256Hex, type Signer } from "./signature.ts";

/** curl asks before it sends more. */
const expectsAboveBytes = 1 << 20;
const separator = ", ";

/**
 * The AWS SDK for C++ 1.9 to 1.11.352 without TLS (Milvus 2.3 to 2.6): the whole body's SHA-256, and Content-MD5 on uploads, both signed
 * with every other header of its own.
 */
export function frameAsAwsCpp(request: Unframed, signer: Signer): Framed {
  const { payload } = request;
  const own: Record<string, string> = { ...sdkHeaders(), ...request.headers };
  if (payload !== undefined) {
    own["content-length"] = String(payload.sizeBytes);
    own["content-type"] ??= "application/octet-stream";
    if (request.method === "PUT") own["content-md5"] = payload.digest("md5").toString("base64");
  } else if (request.method === "PUT" || request.method === "POST") own["content-length"] = "0";
  const payloadHash = payload?.digest("sha256").toString("hex") ?? emptySha256Hex;
  return frameWith(request, signer, { own, unsigned: {}, payloadHash, body: payload?.pieces ?? null });
}

/**
 * 1.11.692 and later (Milvus 3.0): uploads without their length, in unsigned chunks of 64 KiB, with a CRC64NVME in the trailer, also
 * without TLS. All else as before.
 */
export function frameAsAwsCppTrailer(request: Unframed, signer: Signer): Framed {
  const { payload } = request;
  if (payload === undefined || request.method !== "PUT") return frameAsAwsCpp(request, signer);
  const own: Record<string, string> = {
    ...sdkHeaders(),
    "content-encoding": "aws-chunked",
    "content-type": "application/octet-stream",
    "x-amz-decoded-content-length": String(payload.sizeBytes),
    "x-amz-sdk-checksum-algorithm": "CRC64NVME",
    "x-amz-trailer": "x-amz-checksum-crc64nvme",
    ...request.headers,
  };
  return frameWith(request, signer, {
    own,
    unsigned: { "transfer-encoding": "chunked" },
    payloadHash: "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    body: chunksWithTrailer(payload),
  });
}

interface Parts {
  readonly own: Readonly<Record<string, string>>;
  /** curl's own headers. */
  readonly unsigned: Readonly<Record<string, string>>;
  readonly payloadHash: string;
  readonly body: readonly Buffer[] | null;
}

function frameWith(request: Unframed, signer: Signer, { own, unsigned, payloadHash, body }: Parts): Framed {
  const { method, target, payload } = request;
  const signed = signer.sign({ method, target, signed: own, payloadHash, separator });
  const expects = (payload?.sizeBytes ?? 0) > expectsAboveBytes;
  const head = headText(request, [
    ["Host", signer.host],
    ["Accept", "*/*"],
    ["User-Agent", "aws-sdk-cpp/1.11.352 os/Linux lang/c++#C++17"],
    ...Object.entries(own),
    ["x-amz-content-sha256", payloadHash],
    ["x-amz-date", signed.amzDate],
    ["authorization", signed.authorization],
    ...Object.entries(unsigned),
    ...(expects ? [["Expect", "100-continue"] as const] : []),
  ]);
  return { head, body, sendBody: expects ? "after 100" : "at once" };
}

function sdkHeaders(): Record<string, string> {
  return { "amz-sdk-invocation-id": randomUUID(), "amz-sdk-request": "attempt=1" };
}

/** aws-chunked within the transfer's own chunks, one frame in each. */
function chunksWithTrailer(payload: Payload): Buffer[] {
  const pieces: Buffer[] = [];
  const push = (frame: readonly Buffer[]): void => {
    const sizeBytes = frame.reduce((sum, piece) => sum + piece.byteLength, 0);
    pieces.push(Buffer.from(`${sizeBytes.toString(16)}\r\n`), ...frame, lineEnd);
  };
  for (let at = 0; at < payload.sizeBytes; at += chunkSizeBytes) {
    const chunk = payload.chunk(at / chunkSizeBytes);
    push([Buffer.from(`${chunk.sizeBytes.toString(16).toUpperCase()}\r\n`), ...chunk.pieces, lineEnd]);
  }
  push([Buffer.from(`0\r\nx-amz-checksum-crc64nvme:${payload.crc64Nvme().toString("base64")}\r\n\r\n`)]);
  pieces.push(Buffer.from("0\r\n\r\n"));
  return pieces;
}

const lineEnd = Buffer.from("\r\n");
