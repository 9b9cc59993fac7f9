import { latin1AsUtf8 } from "../addressing/percent.ts";
import { S3Error } from "../errors/s3-error.ts";
import type { Trailer } from "../payload/payload-decoder.ts";
import type { PayloadMode } from "../payload/payload-mode.ts";
import { checksumHeader, type ChecksumAlgorithm } from "./algorithms.ts";
import { createChecksum, type Checksum } from "./checksum.ts";
import { parseChecksumValue, type ExpectedChecksum, type ExpectedDigests } from "./expected-digests.ts";
import { wholeChecksum, type ObjectChecksum } from "./object-checksum.ts";

/** Throws BadDigest when Content-MD5 was given and is another. `actual`: 16 bytes. */
export function checkMd5(expected: ExpectedDigests, actual: Buffer): void {
  if (expected.md5 !== null && !expected.md5.equals(actual)) {
    throw badDigest({ kind: "Content-MD5", expected: expected.md5, actual });
  }
}

/** Computes the checksum of a body as it comes and compares it at the end. */
export class BodyChecksum {
  readonly #expected: ExpectedChecksum | null;
  readonly #algorithm: ChecksumAlgorithm | null;
  readonly #checksum: Checksum | null;

  /** `wanted`: computed also when the sender gave none (an upload that was created with an algorithm). */
  constructor(expected: ExpectedChecksum | null, wanted: ChecksumAlgorithm | null = null) {
    this.#expected = expected;
    this.#algorithm = expected?.algorithm ?? wanted;
    this.#checksum = this.#algorithm === null ? null : createChecksum(this.#algorithm);
  }

  update(bytes: Buffer): void {
    this.#checksum?.update(bytes);
  }

  /** `trailer`: what the payload decoder's end returned. Throws BadDigest, InvalidRequest (a malformed value in the trailer). */
  finish(trailer: Trailer): ObjectChecksum | null {
    if (this.#checksum === null || this.#algorithm === null) return null;
    const actual = this.#checksum.digest();
    const expected =
      this.#expected === null ? null : (this.#expected.digest ?? digestInTrailer(this.#algorithm, trailer));
    if (expected !== null && !expected.equals(actual)) throw badDigest({ kind: this.#algorithm, expected, actual });
    return wholeChecksum(this.#algorithm, actual);
  }
}

function digestInTrailer(algorithm: ChecksumAlgorithm, trailer: Trailer): Buffer {
  const field = trailer.find((candidate) => candidate.name === checksumHeader(algorithm));
  if (field === undefined) throw new S3Error("MalformedTrailerError", {});
  return parseChecksumValue(algorithm, latin1AsUtf8(field.value));
}

/** Checks the digests of a whole document at once. Throws BadDigest, InvalidRequest. */
export function checkDocumentDigests(document: Buffer, expected: ExpectedDigests, trailer: Trailer): void {
  if (expected.md5 !== null) {
    const md5 = createChecksum("MD5");
    md5.update(document);
    checkMd5(expected, md5.digest());
  }
  const checksum = new BodyChecksum(expected.checksum);
  checksum.update(document);
  checksum.finish(trailer);
}

/**
 * DeleteObjects must be protected against damage on the way: by Content-MD5, a checksum, or a signature over its bytes.
 * Throws InvalidRequest.
 */
export function checkDocumentIsProtected(expected: ExpectedDigests, mode: PayloadMode): void {
  const isSigned =
    mode.kind === "literal" || mode.kind === "streaming-signed" || mode.kind === "streaming-signed-trailer";
  if (isSigned || expected.md5 !== null || expected.checksum !== null) return;
  throw new S3Error("InvalidRequest", {}, "Missing required header for this request: Content-MD5 OR x-amz-checksum-*");
}

interface DigestMismatch {
  readonly kind: ChecksumAlgorithm | "Content-MD5";
  readonly expected: Buffer;
  readonly actual: Buffer;
}

function badDigest(mismatch: DigestMismatch): S3Error {
  return new S3Error(
    "BadDigest",
    { ExpectedDigest: mismatch.expected.toString("base64"), CalculatedDigest: mismatch.actual.toString("base64") },
    mismatch.kind === "Content-MD5"
      ? "The Content-MD5 you specified did not match what we received."
      : `The ${mismatch.kind} you specified did not match the calculated checksum.`,
  );
}
