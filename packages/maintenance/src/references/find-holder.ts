import { idFromBytes, type DataId } from "@kakera/kernel";
import { keys, partsOfUploadKey, ranges, readObject, type Compare, type View } from "@kakera/metadata";
import { records } from "@kakera/protocol";
import { bodyRefOf, type BodyRef, type Owner } from "./body-ref.ts";
import { bodiesNamedBy } from "./walk-references.ts";

/** The record that names a body, and the comparison that holds as long as it is that record. */
export interface Holder {
  readonly body: BodyRef;
  readonly compare: Compare;
}

const uploadsOfKeyMax = 10_000;
const partsOfUploadMax = 10_000;

/** Looks at all records of the body's owner: its object, and the parts of its open uploads. null: none names it. */
export function findHolder(view: View, owner: Owner, dataId: DataId): Holder | null {
  const object = readObject(view, owner.bucketId, owner.objectKey);
  const body =
    object === null ? undefined : bodiesNamedBy(view, object.record).find((named) => named.dataId === dataId);
  if (object !== null && body !== undefined) {
    return { body, compare: { key: keys.current(owner.bucketId, owner.objectKey), revision: object.revision } };
  }
  return findPart(view, owner, dataId);
}

function findPart(view: View, owner: Owner, dataId: DataId): Holder | null {
  const uploads = ranges.uploadsOf(owner.bucketId, owner.objectKey);
  for (const { key } of view.range(uploads.from, uploads.to, uploadsOfKeyMax)) {
    const uploadId = idFromBytes("upload", partsOfUploadKey(key).uploadIdBytes);
    const parts = ranges.parts(uploadId);
    for (const row of view.range(parts.from, parts.to, partsOfUploadMax)) {
      const body = bodyRefOf(records.PartRecord.decode(row.value).part?.body);
      if (body?.dataId === dataId) return { body, compare: { key: row.key, revision: row.revision } };
    }
  }
  return null;
}
