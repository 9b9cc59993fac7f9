import type { HeaderIndex } from "../addressing/header-index.ts";
import { S3Error } from "../errors/s3-error.ts";
import { parseChecksumAlgorithm, type ChecksumAlgorithm, type ChecksumType } from "./algorithms.ts";
import { findChecksumHeader, parseChecksumValue, type ExpectedChecksum } from "./expected-digests.ts";

/** What CreateMultipartUpload said about checksums. */
export interface UploadChecksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly type: ChecksumType;
}

/** Reads x-amz-checksum-algorithm and x-amz-checksum-type; null when none was named. Throws InvalidRequest. */
export function parseUploadChecksum(headers: HeaderIndex): UploadChecksum | null {
  const name = headers.first("x-amz-checksum-algorithm");
  const type = headers.first("x-amz-checksum-type")?.toUpperCase() ?? null;
  if (name === null) {
    if (type !== null)
      throw invalid("The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.");
    return null;
  }
  const algorithm = parseChecksumAlgorithm(name);
  if (algorithm === null)
    throw invalid(
      "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]",
    );
  if (type !== null && type !== "COMPOSITE" && type !== "FULL_OBJECT")
    throw invalid("Value for x-amz-checksum-type header is invalid.");
  const fullObjectOnly = algorithm === "CRC64NVME";
  const compositeOnly = algorithm === "SHA1" || algorithm === "SHA256";
  if ((fullObjectOnly && type === "COMPOSITE") || (compositeOnly && type === "FULL_OBJECT")) {
    throw invalid(`The ${type} checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`);
  }
  return { algorithm, type: type ?? (fullObjectOnly ? "FULL_OBJECT" : "COMPOSITE") };
}

/** Throws InvalidRequest when a part brings another kind of checksum than its upload was created with. */
export function checkPartAlgorithm(upload: UploadChecksum | null, part: ExpectedChecksum | null): void {
  if (upload === null || part === null || upload.algorithm === part.algorithm) return;
  throw invalid(
    `Checksum Type mismatch occurred, expected checksum Type: ${upload.algorithm.toLowerCase()}, actual checksum Type: ${part.algorithm.toLowerCase()}`,
  );
}

/** What CompleteMultipartUpload says the whole object's checksum is. */
export interface CompletionChecksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly digest: Buffer;
  /** Of `base64-N`; null when there is no `-N` (minio-go leaves it out). */
  readonly partCount: number | null;
}

/** Throws InvalidRequest. */
export function parseCompletionChecksum(headers: HeaderIndex): CompletionChecksum | null {
  const found = findChecksumHeader(headers);
  if (found === null) return null;
  const suffix = /^(.*)-(\d{1,5})$/.exec(found.text);
  return {
    algorithm: found.algorithm,
    digest: parseChecksumValue(found.algorithm, suffix?.[1] ?? found.text),
    partCount: suffix === null ? null : Number(suffix[2]),
  };
}

function invalid(message: string): S3Error {
  return new S3Error("InvalidRequest", {}, message);
}
