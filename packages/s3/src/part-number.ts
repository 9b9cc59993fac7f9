import { S3Error } from "./errors/s3-error.ts";

export const partNumberMax = 10_000;

/** A partNumber parameter. Throws InvalidArgument unless it is 1 to 10000. */
export function parsePartNumber(text: string): number {
  const partNumber = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (partNumber >= 1 && partNumber <= partNumberMax) return partNumber;
  throw new S3Error(
    "InvalidArgument",
    { ArgumentName: "partNumber", ArgumentValue: text },
    `Part number must be an integer between 1 and ${partNumberMax}, inclusive`,
  );
}

/** What a read by part number sends: always 206. */
export interface PartSelection {
  readonly offsetBytes: number;
  readonly lengthBytes: number;
  /** For x-amz-mp-parts-count; null for an object of a single PUT. */
  readonly partsCount: number | null;
  /** Which of `parts`; null for an object of a single PUT. */
  readonly partIndex: number | null;
}

/** A stored object as this rule sees it. `parts`: in order; null for an object of a single PUT. */
export interface PartedObject {
  readonly sizeBytes: number;
  readonly parts: readonly { readonly partNumber: number; readonly sizeBytes: number }[] | null;
}

/** Throws InvalidPartNumber (416) when the object has no such part. */
export function selectPart(partNumber: number, object: PartedObject): PartSelection {
  const { parts } = object;
  if (parts === null) {
    if (partNumber !== 1) throw noSuchPart(partNumber, 1);
    return { offsetBytes: 0, lengthBytes: object.sizeBytes, partsCount: null, partIndex: null };
  }
  let offsetBytes = 0;
  for (const [partIndex, part] of parts.entries()) {
    if (part.partNumber === partNumber)
      return { offsetBytes, lengthBytes: part.sizeBytes, partsCount: parts.length, partIndex };
    offsetBytes += part.sizeBytes;
  }
  throw noSuchPart(partNumber, parts.length);
}

function noSuchPart(partNumber: number, partCount: number): S3Error {
  return new S3Error("InvalidPartNumber", { PartNumberRequested: partNumber, ActualPartCount: partCount });
}
