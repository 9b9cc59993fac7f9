/** The kinds of checksum that we compute, by the names that S3 gives them in XML and in x-amz-checksum-algorithm. */
export const checksumAlgorithms = ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"] as const;
export type ChecksumAlgorithm = (typeof checksumAlgorithms)[number];

/** Of the whole object's bytes, or of its parts' checksums. */
export type ChecksumType = "FULL_OBJECT" | "COMPOSITE";

export const checksumSizesBytes: Readonly<Record<ChecksumAlgorithm, number>> = {
  CRC32: 4,
  CRC32C: 4,
  CRC64NVME: 8,
  SHA1: 20,
  SHA256: 32,
};

/** "CRC32" -> "x-amz-checksum-crc32" */
export function checksumHeader(algorithm: ChecksumAlgorithm): string {
  return `x-amz-checksum-${algorithm.toLowerCase()}`;
}

/** "crc32" (any case) -> "CRC32"; null when it is a kind that we cannot compute. */
export function parseChecksumAlgorithm(name: string): ChecksumAlgorithm | null {
  const upper = name.toUpperCase();
  return checksumAlgorithms.find((algorithm) => algorithm === upper) ?? null;
}
