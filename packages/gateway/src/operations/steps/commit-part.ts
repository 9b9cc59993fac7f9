import { keys, putPart, readPart } from "@kakera/metadata";
import type { PartEntryInput } from "@kakera/protocol";
import type { ObjectChecksum } from "@kakera/s3";
import type { WrittenBody } from "../../bodies.ts";
import type { OperationParts } from "../../gateway-parts.ts";
import { authorOf } from "./author.ts";
import { etagFields } from "./commit-object.ts";
import { decide } from "./decide.ts";
import { digestRecord } from "./digest-record.ts";
import { etagOfPart } from "./etag-of.ts";
import { receivingUpload } from "./find-upload.ts";
import { placeFields } from "./object-body.ts";
import { repairRowsOfParts } from "./repair-rows.ts";
import type { UploadPlace } from "./upload-cursor.ts";

export interface NewPart {
  readonly place: UploadPlace;
  readonly number: number;
  readonly body: WrittenBody;
  /** null unless the upload was created with an algorithm. */
  readonly checksum: ObjectChecksum | null;
}

/** A part joins its upload; of two of a number the one that ends last wins. Throws NoSuchUpload, as when Abort came first. */
export function commitPart(
  parts: OperationParts,
  part: NewPart,
): Promise<{ readonly etag: string; readonly modifiedMs: number }> {
  const { place, number, body } = part;
  const identity = etagFields(body, parts);
  return decide(parts, [keys.part(place.uploadId, number)], () => {
    const seen = receivingUpload(parts, place);
    const { view } = parts.log;
    const replaced = readPart(view, place.uploadId, number);
    const modifiedMs = parts.clock.nowMs();
    const entry: PartEntryInput = {
      number,
      sizeBytes: body.sizeBytes,
      ...identity,
      modifiedMs,
      checksum: digestRecord(part.checksum),
      ...placeFields(body),
    };
    const change = putPart(authorOf(parts), seen, {
      part: entry,
      replaced,
      repairs: body.repair === null ? [] : [body.repair],
      replacedRepairs: replaced === null ? [] : repairRowsOfParts(view, [replaced]),
    });
    return { change, answer: () => ({ etag: etagOfPart(entry), modifiedMs }) };
  });
}
