import type { ObjectChecksum } from "../checksums/object-checksum.ts";
import { formatIso } from "../dates.ts";
import { documentXml, elementXml } from "./document.ts";
import { checksumValueXml, checksumXml } from "./multipart.ts";

export interface CopiedObject {
  /** Bare. */
  readonly etag: string;
  readonly lastModifiedMs: number;
  readonly checksum: ObjectChecksum | null;
}

/** The answer of CopyObject. */
export function renderCopyObject(copied: CopiedObject): string {
  return documentXml("CopyObjectResult", copyXml(copied) + checksumXml(copied.checksum));
}

/** The answer of UploadPartCopy. */
export function renderCopyPart(copied: CopiedObject): string {
  return documentXml("CopyPartResult", copyXml(copied) + checksumValueXml(copied.checksum));
}

function copyXml(copied: CopiedObject): string {
  return elementXml("LastModified", formatIso(copied.lastModifiedMs)) + elementXml("ETag", `"${copied.etag}"`);
}
