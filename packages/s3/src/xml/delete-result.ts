import type { S3Error } from "../errors/s3-error.ts";
import { documentXml, elementXml, optionalXml } from "./document.ts";

/** What became of one key; `key` and `versionId` as the client sent them. An absent key counts as deleted. */
export interface DeletedObject {
  readonly key: string;
  readonly versionId: string | null;
  /** null: deleted. */
  readonly error: S3Error | null;
}

/** The answer of DeleteObjects. Quiet leaves out what went well. */
export function renderDeleteResult(objects: readonly DeletedObject[], isQuiet: boolean): string {
  let xml = "";
  for (const { key, versionId, error } of objects) {
    const name = elementXml("Key", key) + optionalXml("VersionId", versionId);
    if (error !== null)
      xml += `<Error>${name}<Code>${error.code}</Code>${elementXml("Message", error.message)}</Error>`;
    else if (!isQuiet) xml += `<Deleted>${name}</Deleted>`;
  }
  return documentXml("DeleteResult", xml);
}
