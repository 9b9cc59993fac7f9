import { partTableOf, type View } from "@kakera/metadata";
import type { BodyPlaceInput, ObjectRecord, PartEntryInput } from "@kakera/protocol";
import type { StoredBody, WrittenBody } from "../../bodies.ts";

/** The record fields that say where a body is; an empty body has none. */
export function placeFields(body: WrittenBody): { inlineBody?: Uint8Array; body?: BodyPlaceInput } {
  if (body.sizeBytes === 0) return {};
  return body.kind === "inline" ? { inlineBody: body.bytes } : { body: body.place };
}

/** The bodies of an object in order: one, or one for each part. The record must be a copy that may be kept. */
export function storedBodies(view: View, record: ObjectRecord): StoredBody[] {
  if (record.partCount === 0) return storedBody(record);
  return partTableOf(view, record).flatMap(storedBody);
}

/** None for an empty body. */
function storedBody(holder: Pick<PartEntryInput, "body" | "inlineBody">): StoredBody[] {
  if (holder.body != null) return [{ kind: "chunks", place: holder.body, sizeBytes: holder.body.sizeBytes ?? 0 }];
  const bytes = holder.inlineBody;
  return bytes == null || bytes.byteLength === 0 ? [] : [{ kind: "inline", bytes, sizeBytes: bytes.byteLength }];
}
