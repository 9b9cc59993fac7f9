import { records, type DigestInput } from "@kakera/protocol";
import type { ChecksumAlgorithm, ChecksumType, ObjectChecksum, UploadChecksum } from "@kakera/s3";

const { DigestKind, DigestScope } = records;

const kinds: Readonly<Record<ChecksumAlgorithm, number>> = {
  CRC32: DigestKind.CRC32,
  CRC32C: DigestKind.CRC32C,
  CRC64NVME: DigestKind.CRC64NVME,
  SHA1: DigestKind.SHA1,
  SHA256: DigestKind.SHA256,
};
const algorithms = new Map<number, ChecksumAlgorithm>(
  Object.entries(kinds).map(([name, kind]) => [kind, name as ChecksumAlgorithm]),
);

/** A checksum as records hold it. */
export function digestRecord(checksum: ObjectChecksum | null): DigestInput | null {
  if (checksum === null) return null;
  return { kind: kinds[checksum.algorithm], scope: scopeOf(checksum.type), value: checksum.digest };
}

/** `partCount`: of the object that it belongs to; counts only for a composite one. */
export function checksumOf(digest: DigestInput | null | undefined, partCount: number): ObjectChecksum | null {
  const algorithm = algorithms.get(digest?.kind ?? DigestKind.NO_DIGEST);
  if (digest == null || algorithm === undefined) return null;
  const type = typeOf(digest.scope ?? DigestScope.FULL_OBJECT);
  return {
    algorithm,
    type,
    digest: Buffer.from(digest.value ?? []),
    partCount: type === "COMPOSITE" ? partCount : null,
  };
}

/** What an upload was created with, as its record holds it. */
export function uploadDigestFields(checksum: UploadChecksum | null): { digestKind: number; digestScope: number } {
  if (checksum === null) return { digestKind: DigestKind.NO_DIGEST, digestScope: DigestScope.FULL_OBJECT };
  return { digestKind: kinds[checksum.algorithm], digestScope: scopeOf(checksum.type) };
}

export function uploadChecksumOf(upload: {
  readonly digestKind: number;
  readonly digestScope: number;
}): UploadChecksum | null {
  const algorithm = algorithms.get(upload.digestKind);
  return algorithm === undefined ? null : { algorithm, type: typeOf(upload.digestScope) };
}

function scopeOf(type: ChecksumType): number {
  return type === "COMPOSITE" ? DigestScope.COMPOSITE : DigestScope.FULL_OBJECT;
}

function typeOf(scope: number): ChecksumType {
  return scope === DigestScope.COMPOSITE ? "COMPOSITE" : "FULL_OBJECT";
}
