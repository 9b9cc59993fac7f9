import { partTableOf } from "@kakera/metadata";
import { formatHttpDate, parseObjectAttributes, renderObjectAttributes, type AttributedPart } from "@kakera/s3";
import { xmlAnswer, type Answer } from "../answer.ts";
import type { OperationParts } from "../gateway-parts.ts";
import type { Call } from "./call.ts";
import { currentObject } from "./steps/current-object.ts";
import { checksumOf } from "./steps/digest-record.ts";
import { etagOf } from "./steps/etag-of.ts";

export async function getObjectAttributes(call: Call, parts: OperationParts): Promise<Answer> {
  const parameters = parseObjectAttributes(call.request.headers);
  await parts.log.barrier();
  const { view } = parts.log;
  const { record } = currentObject(call, view).seen;
  const table = record.partCount === 0 ? null : partTableOf(view, record);
  const attributed = {
    etag: etagOf(record),
    sizeBytes: record.sizeBytes,
    checksum: checksumOf(record.checksum, record.partCount),
    parts:
      table?.map((part): AttributedPart => ({
        partNumber: part.number,
        sizeBytes: part.sizeBytes,
        checksum: checksumOf(part.checksum, 0),
      })) ?? null,
  };
  return xmlAnswer(renderObjectAttributes(attributed, parameters), [
    "Last-Modified",
    formatHttpDate(record.modifiedMs),
  ]);
}
