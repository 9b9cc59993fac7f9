import { createHash } from "node:crypto";
import { MIB, TIB } from "@kakera/kernel";
import { checksumOfParts, checksumText, type ObjectChecksum } from "../checksums/object-checksum.ts";
import type { CompletionChecksum, UploadChecksum } from "../checksums/upload-checksum.ts";
import { S3Error } from "../errors/s3-error.ts";
import type { Etag } from "../etag.ts";
import type { ListedPart } from "../xml/parse-complete-multipart-upload.ts";

/** A part as it is stored. */
export interface UploadedPart {
  readonly partNumber: number;
  /** Bare, as UploadPart answered it. */
  readonly etag: Etag;
  /** 16 bytes: the part's MD5, or what stands for it. */
  readonly md5: Buffer;
  readonly sizeBytes: number;
  readonly checksum: ObjectChecksum | null;
}

export interface CompletionQuestion<Part extends UploadedPart> {
  readonly uploadId: string;
  readonly listed: readonly ListedPart[];
  /** The stored part of a number; null when there is none. */
  readonly findPart: (partNumber: number) => Part | null;
  /** From CreateMultipartUpload. */
  readonly uploadChecksum: UploadChecksum | null;
  /** x-amz-checksum-* of this request. */
  readonly expectedChecksum: CompletionChecksum | null;
  /** x-amz-mp-object-size of this request. */
  readonly expectedSizeBytes: number | null;
  /** Of every part but the last; {@link partSizeBytesMin} unless a test asks for less. */
  readonly partSizeBytesMin?: number;
}

export interface CompletionPlan<Part extends UploadedPart> {
  /** Those listed, in order: all others are dropped. */
  readonly parts: readonly Part[];
  /** Bare, `hex-N`. */
  readonly etag: Etag;
  /** 16 bytes: the MD5 of the parts' MD5s. */
  readonly md5: Buffer;
  readonly sizeBytes: number;
  readonly checksum: ObjectChecksum | null;
}

/** Of every part but the last. */
export const partSizeBytesMin = 5 * MIB;
export const objectSizeBytesMax = 5 * TIB;

/**
 * Decides what CompleteMultipartUpload makes. Throws InvalidPartOrder (a repeated number too), InvalidPart, EntityTooSmall,
 * EntityTooLarge, InvalidRequest (size, or a checksum missing or not computable), BadDigest.
 */
export function planCompletion<Part extends UploadedPart>(question: CompletionQuestion<Part>): CompletionPlan<Part> {
  checkOrder(question);
  const parts = question.listed.map((listed) => findListedPart(listed, question));
  checkSizes(parts, question.partSizeBytesMin ?? partSizeBytesMin);
  const sizeBytes = parts.reduce((sum, part) => sum + part.sizeBytes, 0);
  checkObjectSize(sizeBytes, question.expectedSizeBytes);
  const hash = createHash("md5");
  for (const part of parts) hash.update(part.md5);
  const md5 = hash.digest();
  return {
    parts,
    etag: `${md5.toString("hex")}-${parts.length}`,
    md5,
    sizeBytes,
    checksum: checksumOf(parts, question),
  };
}

function checkOrder(question: Pick<CompletionQuestion<UploadedPart>, "listed" | "uploadId">): void {
  const { listed, uploadId } = question;
  for (let i = 1; i < listed.length; i++) {
    if (listed[i]!.partNumber <= listed[i - 1]!.partNumber)
      throw new S3Error("InvalidPartOrder", { UploadId: uploadId });
  }
}

function findListedPart<Part extends UploadedPart>(listed: ListedPart, question: CompletionQuestion<Part>): Part {
  const part = question.findPart(listed.partNumber);
  if (part === null || part.etag !== listed.etag || !isListedChecksum(listed, part)) {
    throw new S3Error("InvalidPart", { UploadId: question.uploadId, PartNumber: listed.partNumber, ETag: listed.etag });
  }
  const { uploadChecksum } = question;
  if (uploadChecksum?.type === "COMPOSITE" && listed.checksum?.algorithm !== uploadChecksum.algorithm) {
    const name = uploadChecksum.algorithm.toLowerCase();
    throw new S3Error(
      "InvalidRequest",
      {},
      `The upload was created using a ${name} checksum. The complete request must include the checksum for each part. It was missing for part ${listed.partNumber} in the request.`,
    );
  }
  return part;
}

/** A checksum that is listed must be that of the stored part: one of a kind that was not stored proves nothing, so it fails. */
function isListedChecksum(listed: ListedPart, part: UploadedPart): boolean {
  if (listed.checksum === null) return true;
  return part.checksum?.algorithm === listed.checksum.algorithm && checksumText(part.checksum) === listed.checksum.text;
}

function checkSizes(parts: readonly UploadedPart[], sizeBytesMin: number): void {
  const small = parts.find((part, index) => index < parts.length - 1 && part.sizeBytes < sizeBytesMin);
  if (small === undefined) return;
  throw new S3Error("EntityTooSmall", {
    ProposedSize: small.sizeBytes,
    MinSizeAllowed: sizeBytesMin,
    PartNumber: small.partNumber,
    ETag: small.etag,
  });
}

function checkObjectSize(sizeBytes: number, expectedSizeBytes: number | null): void {
  if (sizeBytes > objectSizeBytesMax)
    throw new S3Error("EntityTooLarge", { ProposedSize: sizeBytes, MaxSizeAllowed: objectSizeBytesMax });
  if (expectedSizeBytes !== null && expectedSizeBytes !== sizeBytes) {
    throw new S3Error(
      "InvalidRequest",
      {},
      `The object size of ${sizeBytes} does not match the x-amz-mp-object-size of ${expectedSizeBytes}.`,
    );
  }
}

/**
 * What the upload was created with. An upload created without an algorithm has none, though its parts were verified; a value that
 * Complete brings all the same is compared when every part has that kind, and refused when it cannot be.
 */
function checksumOf(parts: readonly UploadedPart[], question: CompletionQuestion<UploadedPart>): ObjectChecksum | null {
  const { uploadChecksum, expectedChecksum } = question;
  const kind = uploadChecksum ?? impliedKind(expectedChecksum);
  if (kind === null) return null;
  if (expectedChecksum !== null && expectedChecksum.algorithm !== kind.algorithm) throw cannotCompare(expectedChecksum);
  const digests: { readonly digest: Buffer; readonly sizeBytes: number }[] = [];
  for (const { checksum, sizeBytes } of parts) {
    if (checksum?.algorithm === kind.algorithm) digests.push({ digest: checksum.digest, sizeBytes });
  }
  if (digests.length < parts.length) {
    if (expectedChecksum !== null) throw cannotCompare(expectedChecksum);
    return null;
  }
  const checksum = checksumOfParts(kind.algorithm, kind.type, digests);
  if (expectedChecksum !== null) checkExpected(expectedChecksum, checksum);
  return checksum;
}

function impliedKind(expected: CompletionChecksum | null): UploadChecksum | null {
  if (expected === null) return null;
  const isComposite = expected.partCount !== null || expected.algorithm === "SHA1" || expected.algorithm === "SHA256";
  return { algorithm: expected.algorithm, type: isComposite ? "COMPOSITE" : "FULL_OBJECT" };
}

function checkExpected(expected: CompletionChecksum, actual: ObjectChecksum): void {
  const isSameCount = expected.partCount === null || expected.partCount === actual.partCount;
  if (isSameCount && expected.digest.equals(actual.digest)) return;
  throw new S3Error(
    "BadDigest",
    { ExpectedDigest: expected.digest.toString("base64"), CalculatedDigest: checksumText(actual) },
    `The ${actual.algorithm.toLowerCase()} you specified did not match the calculated checksum.`,
  );
}

function cannotCompare(expected: CompletionChecksum): S3Error {
  return new S3Error(
    "InvalidRequest",
    {},
    `The parts have no ${expected.algorithm.toLowerCase()} checksums to compare with.`,
  );
}
