import { assert } from "@kakera/kernel";
import { checksumHeader, type ChecksumAlgorithm, type ChecksumType } from "./algorithms.ts";
import { createChecksum } from "./checksum.ts";
import { combineCrcs, type CrcOfPart } from "./combine-crc.ts";

/** The checksum of an object or a part. */
export interface ObjectChecksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly type: ChecksumType;
  /** Raw bytes. */
  readonly digest: Buffer;
  /** Parts that a composite checksum is made of; null for a full-object one. */
  readonly partCount: number | null;
}

/** Base64, with `-N` when it is composite. */
export function checksumText(checksum: ObjectChecksum): string {
  const base64 = checksum.digest.toString("base64");
  return checksum.partCount === null ? base64 : `${base64}-${checksum.partCount}`;
}

/** Answer headers, flat name, value pairs: for PUT, UploadPart, Copy; for GET and HEAD when they are asked for. */
export function checksumHeaders(checksum: ObjectChecksum | null): string[] {
  if (checksum === null) return [];
  return [checksumHeader(checksum.algorithm), checksumText(checksum), "x-amz-checksum-type", checksum.type];
}

/** The checksum of one body. */
export function wholeChecksum(algorithm: ChecksumAlgorithm, digest: Buffer): ObjectChecksum {
  return { algorithm, type: "FULL_OBJECT", digest, partCount: null };
}

/** The checksum of a multipart object out of those of its parts, in order. SHA1 and SHA256 are composite only, CRC64NVME is full-object only. */
export function checksumOfParts(
  algorithm: ChecksumAlgorithm,
  type: ChecksumType,
  parts: readonly CrcOfPart[],
): ObjectChecksum {
  if (type === "FULL_OBJECT") {
    assert(algorithm !== "SHA1" && algorithm !== "SHA256", "only CRCs can be combined");
    return wholeChecksum(algorithm, combineCrcs(algorithm, parts));
  }
  const composite = createChecksum(algorithm);
  for (const part of parts) composite.update(part.digest);
  return { algorithm, type, digest: composite.digest(), partCount: parts.length };
}
