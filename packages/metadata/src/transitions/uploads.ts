import { assert, idBytes, newId, idFromBytes, type BucketId, type UploadId } from "@kakera/kernel";
import {
  records,
  type BucketRecord,
  type PartEntryInput,
  type PartRecord,
  type RepairRecordInput,
  type UploadRecord,
  type UploadRecordInput,
} from "@kakera/protocol";
import { keys, ranges } from "../key-space.ts";
import type { Change } from "../ports/commit-log.ts";
import type { Key } from "../ports/view.ts";
import { garbagePuts } from "./dropped-bodies.ts";
import { repairPut } from "./repair.ts";
import { compareSeen, newChangeId, stampOf, type Author, type Seen } from "./transition.ts";

const { RECEIVING, COMPLETING } = records.UploadState;

/** An upload as it was found in the view. */
export interface UploadSeen {
  readonly bucketId: BucketId;
  readonly objectKey: Uint8Array;
  readonly uploadId: UploadId;
  readonly upload: Seen<UploadRecord>;
}

/** CreateMultipartUpload. Compares the bucket's record, as PUT does. */
export function createUpload(
  author: Author,
  place: { readonly bucketName: string; readonly bucket: Seen<BucketRecord>; readonly objectKey: Uint8Array },
  content: Omit<UploadRecordInput, "bucketId" | "objectKey" | "state" | "completingSession">,
): { readonly change: Change; readonly uploadId: UploadId } {
  const uploadId = newId("upload", author.random);
  const bucketIdBytes = place.bucket.record.bucketId;
  const key = keys.upload(idFromBytes("bucket", bucketIdBytes), place.objectKey, uploadId);
  const value = records.UploadRecord.encode({
    ...content,
    bucketId: bucketIdBytes,
    objectKey: place.objectKey,
  }).finish();
  const change: Change = {
    id: newChangeId(author),
    purpose: "write",
    compares: [compareSeen(keys.bucket(place.bucketName), place.bucket), compareSeen(key, null)],
    puts: [{ key, value }],
    deletes: [],
  };
  return { change, uploadId };
}

export interface PartWrite {
  readonly part: PartEntryInput;
  /** The part of that number as the view holds it. */
  readonly replaced: Seen<PartRecord> | null;
  readonly repairs: readonly RepairRecordInput[];
  /** The repair row of the replaced part's body, if there is one. */
  readonly replacedRepairs: readonly Key[];
}

/**
 * UploadPart. Compares the upload's record, which marking rewrites: so no part arrives after Complete or Abort has read
 * the parts (F11). Of two uploads of a number the one that ends last wins; the other's body becomes garbage.
 */
export function putPart(author: Author, seen: UploadSeen, write: PartWrite): Change {
  assert(seen.upload.record.state === RECEIVING, "parts are put only while an upload is receiving");
  const id = newChangeId(author);
  const key = keys.part(seen.uploadId, write.part.number as number);
  const old = write.replaced?.record.part?.body ?? null;
  return {
    id,
    purpose: "write",
    compares: [compareSeen(uploadKey(seen), seen.upload), compareSeen(key, write.replaced)],
    puts: [
      { key, value: records.PartRecord.encode({ part: write.part, ...stampOf(author, id) }).finish() },
      ...garbagePuts(author, ownerOf(seen), { bodies: old === null ? [] : [old], layout: null }),
      ...write.repairs.map(repairPut),
    ],
    deletes: write.replacedRepairs,
  };
}

/**
 * First step of Complete and of Abort: the parts are frozen from here on. The mark names the session; one of a session that
 * is gone is removed with `unmarkUpload` by whoever meets it.
 */
export function markUpload(author: Author, seen: UploadSeen): Change {
  assert(seen.upload.record.state === RECEIVING, "an upload is marked once");
  return rewrite(author, seen, { state: COMPLETING, completingSession: idBytes(author.session) });
}

export function unmarkUpload(author: Author, seen: UploadSeen): Change {
  return rewrite(author, seen, { state: RECEIVING, completingSession: Buffer.alloc(0) });
}

/** Second step of Abort: the upload and its parts go, their bodies become garbage. `parts`: all, read after the mark. */
export function abortUpload(
  author: Author,
  seen: UploadSeen,
  held: { readonly parts: readonly Seen<PartRecord>[]; readonly repairs: readonly Key[] },
): Change {
  assert(seen.upload.record.state === COMPLETING, "an upload is marked before it is aborted");
  const bodies = held.parts.map((part) => part.record.part?.body).filter((body) => body != null);
  return {
    id: newChangeId(author),
    purpose: "free",
    compares: [compareSeen(uploadKey(seen), seen.upload)],
    puts: garbagePuts(author, ownerOf(seen), { bodies, layout: null }),
    deletes: [uploadKey(seen), ...held.repairs],
    deleteRanges: [ranges.parts(seen.uploadId)],
  };
}

export function uploadKey(seen: UploadSeen): Key {
  return keys.upload(seen.bucketId, seen.objectKey, seen.uploadId);
}

export function ownerOf(seen: UploadSeen): { bucketId: Uint8Array; objectKey: Uint8Array } {
  return { bucketId: idBytes(seen.bucketId), objectKey: seen.objectKey };
}

function rewrite(author: Author, seen: UploadSeen, changed: Partial<UploadRecord>): Change {
  const key = uploadKey(seen);
  const value = records.UploadRecord.encode(Object.assign({}, seen.upload.record, changed)).finish();
  return {
    id: newChangeId(author),
    purpose: "free",
    compares: [compareSeen(key, seen.upload)],
    puts: [{ key, value }],
    deletes: [],
  };
}
