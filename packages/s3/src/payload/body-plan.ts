import { GIB } from "@kakera/kernel";
import type { HeaderIndex } from "../addressing/header-index.ts";
import { S3Error } from "../errors/s3-error.ts";
import { hasTrailer, isStreaming, type PayloadMode } from "./payload-mode.ts";

/** What is known of a body before its first byte is read. */
export interface BodyPlan {
  readonly mode: PayloadMode;
  /** Bytes of the object or document; null: known only at the end (Transfer-Encoding: chunked without aws-chunked). */
  readonly lengthBytes: number | null;
  /** Lower-case names that the trailer must carry. */
  readonly trailerNames: readonly string[];
}

/** The largest body of one request. */
export const bodyBytesMax = 5 * GIB;

/**
 * Throws MissingContentLength, EntityTooLarge (more than {@link bodyBytesMax}, or than `lengthBytesMax` if given), InvalidArgument,
 * InvalidRequest; all before anything is read.
 */
export function planBody(headers: HeaderIndex, mode: PayloadMode, lengthBytesMax: number = bodyBytesMax): BodyPlan {
  const lengthBytes = isStreaming(mode) ? decodedLength(headers) : plainLength(headers);
  if (lengthBytes !== null && lengthBytes > lengthBytesMax) {
    throw new S3Error("EntityTooLarge", { ProposedSize: lengthBytes, MaxSizeAllowed: lengthBytesMax });
  }
  return { mode, lengthBytes, trailerNames: readTrailerNames(headers, mode) };
}

function decodedLength(headers: HeaderIndex): number {
  const text = headers.first("x-amz-decoded-content-length");
  if (text === null)
    throw new S3Error("MissingContentLength", {}, "You must provide the x-amz-decoded-content-length HTTP header.");
  return readLength(text, "x-amz-decoded-content-length");
}

function plainLength(headers: HeaderIndex): number | null {
  const text = headers.first("content-length");
  if (text !== null) return readLength(text, "Content-Length");
  const coding = headers.joined("transfer-encoding");
  if (coding !== null && coding.toLowerCase().split(",").at(-1)!.trim() === "chunked") return null;
  throw new S3Error("MissingContentLength", {});
}

function readLength(text: string, name: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new S3Error("InvalidArgument", { ArgumentName: name, ArgumentValue: text }, `${name} is not a valid length.`);
}

function readTrailerNames(headers: HeaderIndex, mode: PayloadMode): string[] {
  const announced = headers.joined("x-amz-trailer");
  if (announced === null) return [];
  if (!hasTrailer(mode)) {
    throw new S3Error(
      "InvalidRequest",
      {},
      "x-amz-trailer is only supported with a payload that has a trailer (x-amz-content-sha256: STREAMING-...-TRAILER).",
    );
  }
  return announced
    .toLowerCase()
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
}
