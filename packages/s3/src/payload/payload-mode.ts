import { S3Error } from "../errors/s3-error.ts";

/** How the bytes of a body are framed and proved. Decided by x-amz-content-sha256 alone, never by Content-Encoding. */
export type PayloadMode =
  /** As is; nothing but the length is proved. UNSIGNED-PAYLOAD, anonymous requests, most presigned URLs. */
  | { readonly kind: "unsigned" }
  /** As is; the SHA-256 is signed. `sha256`: hex, lower case. */
  | { readonly kind: "literal"; readonly sha256: string }
  /** aws-chunked, each chunk signed. */
  | { readonly kind: "streaming-signed" }
  /** aws-chunked, each chunk and the trailer signed. */
  | { readonly kind: "streaming-signed-trailer" }
  /** aws-chunked, with a trailer; nothing signed but the head. */
  | { readonly kind: "streaming-unsigned-trailer" };

const unsigned: PayloadMode = { kind: "unsigned" };
const named = new Map<string, PayloadMode>([
  ["UNSIGNED-PAYLOAD", unsigned],
  ["STREAMING-AWS4-HMAC-SHA256-PAYLOAD", { kind: "streaming-signed" }],
  ["STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", { kind: "streaming-signed-trailer" }],
  ["STREAMING-UNSIGNED-PAYLOAD-TRAILER", { kind: "streaming-unsigned-trailer" }],
]);

export const unsignedPayload: PayloadMode = unsigned;

/** Reads x-amz-content-sha256. Throws InvalidArgument when it is neither a mode's name nor a SHA-256. */
export function parsePayloadMode(value: string): PayloadMode {
  const mode = named.get(value);
  if (mode !== undefined) return mode;
  if (isSha256Hex(value)) return { kind: "literal", sha256: value.toLowerCase() };
  throw new S3Error(
    "InvalidArgument",
    { ArgumentName: "x-amz-content-sha256", ArgumentValue: value },
    "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value.",
  );
}

/** Whether the body is framed as aws-chunked. */
export function isStreaming(mode: PayloadMode): boolean {
  return mode.kind !== "unsigned" && mode.kind !== "literal";
}

export function hasTrailer(mode: PayloadMode): boolean {
  return mode.kind === "streaming-signed-trailer" || mode.kind === "streaming-unsigned-trailer";
}

function isSha256Hex(value: string): boolean {
  return value.length === 64 && /^[0-9a-fA-F]+$/.test(value);
}
