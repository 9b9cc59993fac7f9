import { records, type ObjectRecord } from "@kakera/protocol";
import type { Key, View } from "../ports/view.ts";
import { hasAnyField } from "../view/protobuf-fields.ts";
import type { Seen } from "./transition.ts";

/** What a deletion looks at of an object's record: the bodies that it names. */
export type DeletableRecord = Pick<ObjectRecord, "body" | "parts" | "layoutId" | "layoutPieces">;

/** ObjectRecord: body, parts, layout_id. */
const bodyFields: ReadonlySet<number> = new Set([8, 9, 10]);
const bodyInRecord: DeletableRecord = { body: null, parts: [], layoutId: Buffer.alloc(0), layoutPieces: 0 };

/**
 * The object at `key` (`keys.current`), or null. A record that names no body is not decoded: decoding, and collecting what
 * that leaves, would be the larger part of a DeleteObjects.
 */
export function readDeletable(view: View, key: Key): Seen<DeletableRecord> | null {
  const readAt = view.appliedRevision;
  return view.with(key, (value, revision) => {
    // Decoded messages keep slices of the bytes they were decoded from.
    const record = hasAnyField(value, bodyFields) ? records.ObjectRecord.decode(Buffer.from(value)) : bodyInRecord;
    return { record, revision, readAt };
  });
}
