import type { HeaderIndex } from "../addressing/header-index.ts";
import { S3Error } from "../errors/s3-error.ts";
import { checksumHeader, checksumSizesBytes, parseChecksumAlgorithm, type ChecksumAlgorithm } from "./algorithms.ts";
import { decodeBase64 } from "./base64.ts";

/** What the sender says the body's digests are. */
export interface ExpectedDigests {
  /** 16 bytes of Content-MD5. */
  readonly md5: Buffer | null;
  readonly checksum: ExpectedChecksum | null;
}

/** `digest` null: it comes in the trailer. */
export interface ExpectedChecksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly digest: Buffer | null;
}

/** Names that begin like a checksum's value and are none. */
const settings: readonly string[] = ["x-amz-checksum-mode", "x-amz-checksum-algorithm", "x-amz-checksum-type"];
const prefix = "x-amz-checksum-";

/**
 * Reads Content-MD5, x-amz-checksum-*, x-amz-sdk-checksum-algorithm and the announced trailer (`trailerNames`, lower case). Throws InvalidDigest
 * (Content-MD5, also an empty one) and InvalidRequest (malformed, more than one kind, a kind that we cannot compute, or an
 * algorithm without its value). Nothing is ever stored unverified.
 */
export function parseExpectedDigests(headers: HeaderIndex, trailerNames: readonly string[] = []): ExpectedDigests {
  const inHeader = findChecksumHeader(headers);
  const found: ExpectedChecksum[] = trailerNames.map((name) => ({ algorithm: algorithmOf(name), digest: null }));
  if (inHeader !== null)
    found.push({ algorithm: inHeader.algorithm, digest: parseChecksumValue(inHeader.algorithm, inHeader.text) });
  if (found.length > 1) throw severalKinds();
  const checksum = found[0] ?? null;
  checkSdkAlgorithm(headers, checksum);
  return { md5: parseContentMd5(headers), checksum };
}

/** The one x-amz-checksum-* header that holds a value. Throws InvalidRequest on two, and on a kind that we cannot compute. */
export function findChecksumHeader(
  headers: HeaderIndex,
): { readonly algorithm: ChecksumAlgorithm; readonly text: string } | null {
  let found: { algorithm: ChecksumAlgorithm; text: string } | null = null;
  for (let i = 0; i < headers.count; i++) {
    const name = headers.nameAt(i);
    if (!name.startsWith(prefix) || settings.includes(name)) continue;
    if (found !== null) throw severalKinds();
    found = { algorithm: algorithmOf(name), text: headers.valueAt(i) };
  }
  return found;
}

function severalKinds(): S3Error {
  return invalid("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.");
}

function algorithmOf(name: string): ChecksumAlgorithm {
  const algorithm = name.startsWith(prefix) ? parseChecksumAlgorithm(name.slice(prefix.length)) : null;
  if (algorithm !== null) return algorithm;
  throw invalid(`${name} is not supported here; use one of CRC32, CRC32C, CRC64NVME, SHA1 and SHA256.`);
}

/** Base64 of a checksum to its raw bytes. Throws InvalidRequest. */
export function parseChecksumValue(algorithm: ChecksumAlgorithm, text: string): Buffer {
  const digest = decodeBase64(text, checksumSizesBytes[algorithm]);
  if (digest === null) throw invalid(`Value for ${checksumHeader(algorithm)} header is invalid.`);
  return digest;
}

function checkSdkAlgorithm(headers: HeaderIndex, checksum: ExpectedChecksum | null): void {
  const name = headers.first("x-amz-sdk-checksum-algorithm");
  if (name === null) return;
  const algorithm = parseChecksumAlgorithm(name);
  if (algorithm === null) throw invalid("Value for x-amz-sdk-checksum-algorithm header is invalid.");
  if (checksum === null) {
    throw invalid(
      "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.",
    );
  }
  if (checksum.algorithm !== algorithm) throw invalid("Value for x-amz-sdk-checksum-algorithm header is invalid.");
}

function parseContentMd5(headers: HeaderIndex): Buffer | null {
  const text = headers.first("content-md5");
  if (text === null) return null;
  const md5 = decodeBase64(text.trim(), 16);
  if (md5 === null) throw new S3Error("InvalidDigest", { "Content-MD5": text });
  return md5;
}

function invalid(message: string): S3Error {
  return new S3Error("InvalidRequest", {}, message);
}
