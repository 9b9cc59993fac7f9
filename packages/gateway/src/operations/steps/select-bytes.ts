import { partTableOf, type View } from "@kakera/metadata";
import type { ObjectRecord } from "@kakera/protocol";
import {
  contentRange,
  isRangeWanted,
  parsePartNumber,
  parseRange,
  S3Error,
  selectPart,
  type ReadExtent,
  type S3Request,
} from "@kakera/s3";
import type { BodyRange } from "../../bodies.ts";
import { checksumOf } from "./digest-record.ts";
import { etagOf } from "./etag-of.ts";

/** What a GET or HEAD sends of an object. */
export interface SelectedBytes {
  readonly status: 200 | 206;
  readonly range: BodyRange;
  /** Content-Range and x-amz-mp-parts-count, where they apply. */
  readonly headers: readonly string[];
  /** Decides which checksum belongs to these bytes. */
  readonly extent: ReadExtent;
}

/** Reads Range, If-Range and partNumber. Throws InvalidRange, InvalidPartNumber, InvalidArgument, InvalidRequest. */
export function selectBytes(
  request: S3Request,
  record: ObjectRecord,
  seen: { readonly view: View; readonly nowMs: number },
): SelectedBytes {
  const partNumber = request.query.get("partNumber");
  const rangeHeader = request.headers.first("range");
  if (partNumber !== null) {
    if (rangeHeader !== null)
      throw new S3Error("InvalidRequest", {}, "Cannot specify both Range header and partNumber query parameter");
    return selectPartBytes(parsePartNumber(partNumber), record, seen.view);
  }
  const facts = { etag: etagOf(record), lastModifiedMs: record.modifiedMs };
  const isWanted = isRangeWanted(request.headers.first("if-range"), facts, seen.nowMs);
  const selection = parseRange(isWanted ? rangeHeader : null, record.sizeBytes);
  if (selection.kind === "whole") {
    const objectChecksum = checksumOf(record.checksum, record.partCount);
    const range = { offsetBytes: 0, lengthBytes: record.sizeBytes };
    return { status: 200, range, headers: [], extent: { kind: "whole", objectChecksum } };
  }
  const { firstByte, lastByte } = selection;
  return {
    status: 206,
    range: { offsetBytes: firstByte, lengthBytes: lastByte - firstByte + 1 },
    headers: ["Content-Range", contentRange(selection, record.sizeBytes)],
    extent: { kind: "range" },
  };
}

function selectPartBytes(partNumber: number, record: ObjectRecord, view: View): SelectedBytes {
  const table = record.partCount === 0 ? null : partTableOf(view, record);
  const parts = table?.map((part) => ({ partNumber: part.number, sizeBytes: part.sizeBytes })) ?? null;
  const part = selectPart(partNumber, { sizeBytes: record.sizeBytes, parts });
  const { offsetBytes, lengthBytes, partIndex, partsCount } = part;
  const headers: string[] = [];
  if (lengthBytes > 0) {
    headers.push(
      "Content-Range",
      contentRange({ firstByte: offsetBytes, lastByte: offsetBytes + lengthBytes - 1 }, record.sizeBytes),
    );
  }
  if (partsCount !== null) headers.push("x-amz-mp-parts-count", String(partsCount));
  const objectChecksum = checksumOf(record.checksum, record.partCount);
  const ownChecksum = partIndex === null ? objectChecksum : checksumOf(table?.[partIndex]?.checksum, 0);
  // The value is the part's own, the type is the object's: how the parts' values were put together.
  const partChecksum = ownChecksum === null ? null : { ...ownChecksum, type: objectChecksum?.type ?? ownChecksum.type };
  return { status: 206, range: { offsetBytes, lengthBytes }, headers, extent: { kind: "part", partChecksum } };
}
