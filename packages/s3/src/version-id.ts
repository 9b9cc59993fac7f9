import { S3Error } from "./errors/s3-error.ts";

/** The id of the one version that an object of an unversioned bucket has. */
export const nullVersionId = "null";

/** AWS's ids: 32 characters of this alphabet in practice; longer ones are kept possible. */
const wellFormed = /^[A-Za-z0-9._-]{1,128}$/;

/**
 * Checks a versionId that a client names. `null` (or none) is the current object; another well-formed one names a version that
 * cannot exist: NoSuchVersion. Throws InvalidArgument when it is malformed, an empty one included.
 */
export function checkVersionId(versionId: string | null, key: string): void {
  if (versionId === null || versionId === nullVersionId) return;
  if (!wellFormed.test(versionId)) throw invalidVersionId("versionId", versionId);
  throw new S3Error("NoSuchVersion", { Key: key, VersionId: versionId });
}

export function invalidVersionId(name: string, versionId: string): S3Error {
  return new S3Error(
    "InvalidArgument",
    { ArgumentName: name, ArgumentValue: versionId },
    versionId === "" ? "Version id cannot be the empty string" : "Invalid version id specified",
  );
}

export function isWellFormedVersionId(versionId: string): boolean {
  return wellFormed.test(versionId);
}
