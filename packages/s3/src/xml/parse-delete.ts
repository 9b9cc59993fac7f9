import { MIB } from "@kakera/kernel";
import { S3Error } from "../errors/s3-error.ts";
import { unquoteEtag } from "../etag.ts";
import { malformedXml } from "./malformed-xml.ts";
import { childrenNamed, childText, readXmlDocument, requiredText } from "./read-document.ts";
import type { XmlElement } from "./read-tree.ts";

/** One object that DeleteObjects names. */
export interface ObjectToDelete {
  /** As sent, white space and control characters too. May be longer than a key can be. */
  readonly key: string;
  /** As sent; null when absent. */
  readonly versionId: string | null;
  /** Bare; "*" for any; null: no condition. */
  readonly etag: string | null;
}

export interface DeleteRequest {
  readonly objects: readonly ObjectToDelete[];
  /** Only errors are told. */
  readonly isQuiet: boolean;
}

export const deleteObjectsMax = 1000;
/** A thousand keys of 1 KiB, every byte of them a numeric reference, would take 6 MiB: a bound above what clients send. */
export const deleteBytesMax = 8 * MIB;

/** Throws MalformedXML (no object, or more than 1000), NotImplemented (conditions that we do not know: never delete without them). */
export function parseDelete(body: Buffer): DeleteRequest {
  const root = readXmlDocument(body, { rootName: "Delete", bytesMax: deleteBytesMax });
  const objects = childrenNamed(root, "Object").map(parseObject);
  if (objects.length === 0) throw malformedXml("There is no Object.");
  if (objects.length > deleteObjectsMax) throw malformedXml(`There are more than ${deleteObjectsMax} objects.`);
  return { objects, isQuiet: childText(root, "Quiet")?.trim().toLowerCase() === "true" };
}

function parseObject(object: XmlElement): ObjectToDelete {
  for (const name of ["LastModifiedTime", "Size"]) {
    if (childText(object, name) !== null)
      throw new S3Error("NotImplemented", {}, `The condition ${name} is not implemented.`);
  }
  const key = requiredText(object, "Key");
  if (key === "") throw malformedXml("A Key is empty.");
  const etag = childText(object, "ETag");
  return { key, versionId: childText(object, "VersionId"), etag: etag === null ? null : unquoteEtag(etag) };
}
