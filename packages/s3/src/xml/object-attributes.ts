import type { ObjectChecksum } from "../checksums/object-checksum.ts";
import type { ObjectAttribute, ObjectAttributesParameters } from "../object-attributes.ts";
import { pageParts } from "../listing/list-parts.ts";
import { documentXml, elementXml } from "./document.ts";
import { checksumValueXml, checksumXml } from "./multipart.ts";

export interface AttributedObject {
  /** Bare, and written so: only this answer has no quotes. */
  readonly etag: string;
  readonly sizeBytes: number;
  readonly checksum: ObjectChecksum | null;
  /** By number; null unless it is a multipart object. */
  readonly parts: readonly AttributedPart[] | null;
}

export interface AttributedPart {
  readonly partNumber: number;
  readonly sizeBytes: number;
  readonly checksum: ObjectChecksum | null;
}

/** The answer of GetObjectAttributes: what was asked for, and no more. */
export function renderObjectAttributes(object: AttributedObject, parameters: ObjectAttributesParameters): string {
  const render: Readonly<Record<ObjectAttribute, () => string>> = {
    ETag: () => elementXml("ETag", object.etag),
    Checksum: () => (object.checksum === null ? "" : `<Checksum>${checksumXml(object.checksum)}</Checksum>`),
    ObjectParts: () => (object.parts === null ? "" : partsXml(object.parts, parameters)),
    StorageClass: () => "<StorageClass>STANDARD</StorageClass>",
    ObjectSize: () => elementXml("ObjectSize", object.sizeBytes),
  };
  const names = Object.keys(render) as ObjectAttribute[];
  const wanted = names.filter((name) => parameters.attributes.has(name));
  return documentXml("GetObjectAttributesResponse", wanted.map((name) => render[name]()).join(""));
}

function partsXml(parts: readonly AttributedPart[], parameters: ObjectAttributesParameters): string {
  const page = pageParts(parts, parameters);
  const partXml = (part: AttributedPart): string =>
    `<Part>${elementXml("PartNumber", part.partNumber)}${elementXml("Size", part.sizeBytes)}${checksumValueXml(part.checksum)}</Part>`;
  return (
    `<ObjectParts>${elementXml("PartsCount", parts.length)}` +
    elementXml("PartNumberMarker", parameters.partNumberMarker) +
    elementXml("NextPartNumberMarker", page.nextPartNumberMarker) +
    elementXml("MaxParts", parameters.maxParts) +
    `<IsTruncated>${page.isTruncated}</IsTruncated>${page.parts.map(partXml).join("")}</ObjectParts>`
  );
}
