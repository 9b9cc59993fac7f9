import type { UploadRecord } from "@kakera/protocol";
import type { WriteCondition } from "@kakera/s3";

/** A condition given at Create, as the upload's record keeps it: minio-go sends it only there, and means it for Complete. */
export function conditionFields(condition: WriteCondition): {
  readonly mustNotExist: boolean;
  readonly mustMatch: string[];
} {
  const mustMatch = condition.kind !== "match" ? [] : condition.etags === "*" ? ["*"] : [...condition.etags];
  return { mustNotExist: condition.kind === "absent", mustMatch };
}

/** The condition that was given at Create. */
export function conditionOf(upload: Pick<UploadRecord, "mustNotExist" | "mustMatch">): WriteCondition {
  if (upload.mustNotExist) return { kind: "absent" };
  if (upload.mustMatch.length === 0) return { kind: "none" };
  return { kind: "match", etags: upload.mustMatch.includes("*") ? "*" : upload.mustMatch };
}
