import { BodyChecksum, type ChecksumAlgorithm, type ObjectChecksum } from "@kakera/s3";
import type { BodyOwner, BodyRange, StoredBody, WrittenBody } from "../../bodies.ts";
import type { OperationParts } from "../../gateway-parts.ts";

export interface CopiedBody {
  readonly body: WrittenBody;
  /** Of the kind asked for; null when none was. */
  readonly checksum: ObjectChecksum | null;
}

export interface BodyToCopy {
  readonly stored: readonly StoredBody[];
  readonly range: BodyRange;
  readonly owner: BodyOwner;
  readonly algorithm: ChecksumAlgorithm | null;
}

/** Copies a body and computes a checksum of it on the way. Rejects as `bodies.copy` does. */
export async function copyBody(parts: OperationParts, copy: BodyToCopy, signal: AbortSignal): Promise<CopiedBody> {
  const checksum = new BodyChecksum(null, copy.algorithm);
  const original = { parts: copy.stored, range: copy.range, watch: (bytes: Buffer) => checksum.update(bytes) };
  const body = await parts.bodies.copy(original, copy.owner, signal);
  return { body, checksum: checksum.finish([]) };
}
