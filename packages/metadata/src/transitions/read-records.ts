import { idFromBytes, type BucketId, type DataId, type TaskId, type UploadId } from "@kakera/kernel";
import {
  records,
  type CompletedRecord,
  type ObjectRecord,
  type PartEntry,
  type PartRecord,
  type RepairRecord,
  type UploadRecord,
} from "@kakera/protocol";
import { keys, ranges } from "../key-space.ts";
import type { Key, View } from "../ports/view.ts";
import type { DeletableRecord } from "./read-deletable.ts";
import type { Seen } from "./transition.ts";

// Decoded messages keep slices of the bytes they were decoded from, so each is decoded from a copy of its own.

export function readObject(view: View, bucketId: BucketId, objectKey: Uint8Array): Seen<ObjectRecord> | null {
  return read(view, keys.current(bucketId, objectKey), (bytes) => records.ObjectRecord.decode(bytes));
}

export function readUpload(
  view: View,
  upload: { bucketId: BucketId; objectKey: Uint8Array; uploadId: UploadId },
): Seen<UploadRecord> | null {
  return read(view, keys.upload(upload.bucketId, upload.objectKey, upload.uploadId), (bytes) =>
    records.UploadRecord.decode(bytes),
  );
}

export function readPart(view: View, uploadId: UploadId, number: number): Seen<PartRecord> | null {
  return read(view, keys.part(uploadId, number), (bytes) => records.PartRecord.decode(bytes));
}

/** All parts of an upload, in order of number. */
export function readParts(view: View, uploadId: UploadId): Seen<PartRecord>[] {
  const { from, to } = ranges.parts(uploadId);
  return view
    .range(from, to, partNumberMax)
    .map((entry) => ({ record: records.PartRecord.decode(entry.value), revision: entry.revision }));
}

export function readCompleted(view: View, uploadId: UploadId): Seen<CompletedRecord> | null {
  return read(view, keys.completed(uploadId), (bytes) => records.CompletedRecord.decode(bytes));
}

/** The part table of a multipart object, wherever it is; empty for a body in one piece. */
export function partTableOf(view: View, record: DeletableRecord): PartEntry[] {
  if (record.layoutPieces === 0) return record.parts as PartEntry[];
  const { from, to } = ranges.layout(idFromBytes("data", record.layoutId));
  return view
    .range(from, to, record.layoutPieces)
    .flatMap((entry) => records.LayoutPiece.decode(entry.value).parts as PartEntry[]);
}

/** What is known of the shards that a body lacks, or has on substitutes. A body's repair row has the body's own id. */
export function readRepair(view: View, dataId: DataId): Seen<RepairRecord> | null {
  return read(view, keys.repair(repairIdOf(dataId)), (bytes) => records.RepairRecord.decode(bytes));
}

export function repairIdOf(dataId: DataId): TaskId {
  return dataId as string as TaskId;
}

/** The repair rows that a record's bodies have in the view: they go in the transaction that drops the record. */
export function repairKeysOf(view: View, record: DeletableRecord): Key[] {
  if (record.body == null && record.parts.length === 0 && record.layoutPieces === 0) return [];
  const table = ranges.table("repair");
  if (view.range(table.from, table.to, 1).length === 0) return [];
  const bodies = [record.body, ...partTableOf(view, record).map((part) => part.body)];
  return bodies
    .filter((body) => body != null)
    .map((body) => keys.repair(repairIdOf(idFromBytes("data", body.dataId as Uint8Array))))
    .filter((key) => view.with(key, () => true) === true);
}

export const partNumberMax = 10_000;

function read<Record>(view: View, key: Key, decode: (bytes: Uint8Array) => Record): Seen<Record> | null {
  const entry = view.get(key);
  if (entry === null) return null;
  return { record: decode(entry.value), revision: entry.revision, readAt: view.appliedRevision };
}
