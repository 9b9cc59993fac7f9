import type { S3Error } from "../errors/s3-error.ts";
import { documentXml, elementXml, optionalXml } from "./document.ts";

/** What became of one key; `key` and `versionId` as the client sent them. An absent key counts as deleted. */
export interface DeletedObject {
  readonly key: string;
  readonly versionId: string | null;
  /** null: deleted. */
  readonly error: S3Error | null;
}

// oxlint-disable-next-line no-control-regex
const noXml = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/;

/**
 * The answer of DeleteObjects. Quiet leaves out what went well. So are keys that XML 1.0 cannot carry: the parsers of Python, Go
 * and Java would refuse the answer as a whole, and take what was deleted for failed. A failure is told all the same.
 */
export function renderDeleteResult(objects: readonly DeletedObject[], isQuiet: boolean): string {
  let xml = "";
  for (const { key, versionId, error } of objects) {
    const name = elementXml("Key", key) + optionalXml("VersionId", versionId);
    if (error !== null)
      xml += `<Error>${name}<Code>${error.code}</Code>${elementXml("Message", error.message)}</Error>`;
    else if (!isQuiet && !noXml.test(key)) xml += `<Deleted>${name}</Deleted>`;
  }
  return documentXml("DeleteResult", xml);
}
