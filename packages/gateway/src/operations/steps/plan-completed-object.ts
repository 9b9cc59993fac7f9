import {
  completeUpload,
  readCompleted,
  readObject,
  readParts,
  repairKeysOf,
  type Plan,
  type Seen,
  type UploadSeen,
} from "@kakera/metadata";
import { records, type PartRecord } from "@kakera/protocol";
import {
  checkWriteCondition,
  planCompletion,
  type CompletionChecksum,
  type CompletionPlan,
  type ListedPart,
  type ObjectChecksum,
  type ObjectKey,
  type UploadedPart,
  type WriteCondition,
} from "@kakera/s3";
import type { OperationParts } from "../../gateway-parts.ts";
import { authorOf } from "./author.ts";
import { checksumOf, digestRecord, uploadChecksumOf } from "./digest-record.ts";
import { etagOf, etagOfPart } from "./etag-of.ts";
import { findUpload, isMarked, noSuchUpload, uploadMark } from "./find-upload.ts";
import { writableBucket, type OpenBucket } from "./open-bucket.ts";
import { repairRowsOfParts } from "./repair-rows.ts";
import { conditionOf } from "./upload-condition.ts";
import type { UploadPlace } from "./upload-cursor.ts";

/** What a Complete asks for. */
export interface Asked {
  readonly bucket: OpenBucket;
  readonly place: UploadPlace;
  readonly key: ObjectKey;
  readonly condition: WriteCondition;
  readonly expected: { readonly checksum: CompletionChecksum | null; readonly sizeBytes: number | null };
  readonly listed: readonly ListedPart[];
  readonly partsDigest: Buffer;
}

export interface Completed {
  /** Bare. */
  readonly etag: string;
  readonly checksum: ObjectChecksum | null;
}

/**
 * What this Complete was answered when it was asked before; null: it was not. It holds for as long as the record is kept, whatever
 * became of the object since. Throws NoSuchUpload when the upload was completed with other parts.
 */
export function earlierAnswer(parts: OperationParts, asked: Asked): Completed | null {
  const { place } = asked;
  const record = readCompleted(parts.log.view, place.uploadId)?.record;
  if (record === undefined) return null;
  const isSame =
    Buffer.from(record.partsDigest).equals(asked.partsDigest) &&
    Buffer.from(record.objectKey).equals(place.objectKey) &&
    Buffer.from(record.bucketId).toString("hex") === place.bucketId;
  if (!isSame) throw noSuchUpload(place.uploadId);
  return { etag: record.etag, checksum: checksumOf(record.checksum, asked.listed.length) };
}

interface StoredPart extends UploadedPart {
  readonly seen: Seen<PartRecord>;
}

export interface PlannedParts {
  readonly upload: UploadSeen;
  readonly plan: CompletionPlan<StoredPart>;
  readonly unlisted: readonly Seen<PartRecord>[];
}

/** Throws NoSuchUpload, InvalidPart, InvalidPartOrder, EntityTooSmall, InvalidRequest, BadDigest. */
export function planParts(parts: OperationParts, asked: Asked): PlannedParts {
  const { view } = parts.log;
  const upload = findUpload(view, asked.place);
  const stored = new Map(
    readParts(view, asked.place.uploadId).map((seen) => [seen.record.part?.number ?? 0, storedPart(seen)]),
  );
  const plan = planCompletion<StoredPart>({
    uploadId: asked.place.uploadId,
    listed: asked.listed,
    findPart: (number) => stored.get(number) ?? null,
    uploadChecksum: uploadChecksumOf(upload.upload.record),
    expectedChecksum: asked.expected.checksum,
    expectedSizeBytes: asked.expected.sizeBytes,
    partSizeBytesMin: parts.settings.minPartBytes,
  });
  for (const part of plan.parts) stored.delete(part.partNumber);
  return { upload, plan, unlisted: [...stored.values()].map((part) => part.seen) };
}

function storedPart(seen: Seen<PartRecord>): StoredPart {
  const part = seen.record.part ?? {};
  return {
    seen,
    partNumber: part.number ?? 0,
    etag: etagOfPart(part),
    md5: Buffer.from(part.md5 ?? []),
    sizeBytes: part.sizeBytes ?? 0,
    checksum: checksumOf(part.checksum, 0),
  };
}

/** The second step: the conditions of Create and of this request decided, the change that makes the object. */
export function planCompleted(parts: OperationParts, asked: Asked): Plan<Completed> {
  const { view } = parts.log;
  const { upload, plan, unlisted } = planParts(parts, asked);
  // Somebody took our mark for one left behind: from the beginning.
  if (!isMarked(upload)) throw uploadMark(upload);
  const bucket = writableBucket(parts, asked.bucket);
  const { record } = upload.upload;
  const replaced = readObject(view, bucket.id, asked.place.objectKey);
  const presentEtag = replaced === null ? null : etagOf(replaced.record);
  for (const condition of [conditionOf(record), asked.condition])
    checkWriteCondition(condition, presentEtag, asked.key.text);
  const nowMs = parts.clock.nowMs();
  const completed: Completed = { etag: plan.etag, checksum: plan.checksum };
  const change = completeUpload(authorOf(parts), upload, {
    bucketName: bucket.name,
    bucket: bucket.seen,
    replaced,
    replacedRepairs: replaced === null ? [] : repairKeysOf(view, replaced.record),
    listed: plan.parts.map((part) => part.seen),
    unlisted,
    unlistedRepairs: repairRowsOfParts(view, unlisted),
    content: {
      sizeBytes: plan.sizeBytes,
      modifiedMs: nowMs,
      md5: plan.md5,
      etagKind: records.EtagKind.MD5,
      headers: record.headers ?? null,
      metadata: record.metadata,
      tags: record.tags,
      checksum: digestRecord(plan.checksum),
    },
    partsDigest: asked.partsDigest,
    answer: { completedMs: nowMs, etag: plan.etag, checksum: digestRecord(plan.checksum) },
  });
  return { change, answer: () => completed };
}
