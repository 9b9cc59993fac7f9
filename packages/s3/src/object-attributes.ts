import type { HeaderIndex } from "./addressing/header-index.ts";
import { S3Error } from "./errors/s3-error.ts";
import { pageItemsMax } from "./listing/list-parameters.ts";

const objectAttributes = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"] as const;
export type ObjectAttribute = (typeof objectAttributes)[number];

export interface ObjectAttributesParameters {
  readonly attributes: ReadonlySet<ObjectAttribute>;
  readonly maxParts: number;
  readonly partNumberMarker: number;
}

const header = "x-amz-object-attributes";

/** Reads the headers of GetObjectAttributes. Throws InvalidRequest when none is asked for, InvalidArgument on an unknown name. */
export function parseObjectAttributes(headers: HeaderIndex): ObjectAttributesParameters {
  const names = (headers.joined(header) ?? "")
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  if (names.length === 0)
    throw new S3Error("InvalidRequest", {}, `Missing required header for this request: ${header}`);
  return {
    attributes: new Set(names.map(parseName)),
    // As AWS does: what is no number here is passed over.
    maxParts: Math.min(readNumber(headers.first("x-amz-max-parts")) ?? pageItemsMax, pageItemsMax),
    partNumberMarker: readNumber(headers.first("x-amz-part-number-marker")) ?? 0,
  };
}

function parseName(name: string): ObjectAttribute {
  const attribute = objectAttributes.find((candidate) => candidate === name);
  if (attribute !== undefined) return attribute;
  throw new S3Error(
    "InvalidArgument",
    { ArgumentName: header, ArgumentValue: name },
    "Invalid attribute name specified.",
  );
}

function readNumber(text: string | null): number | null {
  return text !== null && /^\d{1,9}$/.test(text) ? Number(text) : null;
}
