import { keys, putObject, readObject, repairKeysOf, type ObjectContent } from "@kakera/metadata";
import { records } from "@kakera/protocol";
import { checkWriteCondition, type Etag, type ObjectChecksum, type ObjectKey, type WriteCondition } from "@kakera/s3";
import type { WrittenBody } from "../../bodies.ts";
import type { OperationParts } from "../../gateway-parts.ts";
import { authorOf } from "./author.ts";
import { decide } from "./decide.ts";
import { descriptionFields, type DescribedObject } from "./described-object.ts";
import { digestRecord } from "./digest-record.ts";
import { etagOf } from "./etag-of.ts";
import { placeFields } from "./object-body.ts";
import { writableBucket, type OpenBucket } from "./open-bucket.ts";

export interface NewObject {
  readonly bucket: OpenBucket;
  readonly key: ObjectKey;
  readonly condition: WriteCondition;
  readonly described: DescribedObject;
  readonly body: WrittenBody;
  readonly checksum: ObjectChecksum | null;
}

export interface CommittedObject {
  /** Bare. */
  readonly etag: Etag;
  readonly modifiedMs: number;
}

/**
 * Makes a single body the current object of its key: PUT and Copy. Its condition is decided here, against what the change itself
 * compares, so that of many at once exactly one wins. Throws PreconditionFailed, NoSuchKey, NoSuchBucket.
 */
export function commitObject(parts: OperationParts, object: NewObject): Promise<CommittedObject> {
  const { key, body } = object;
  const identity = etagFields(body, parts);
  const etag = etagOf({ ...identity, partCount: 0 });
  return decide(parts, [keys.current(object.bucket.id, key.bytes)], () => {
    const bucket = writableBucket(parts, object.bucket);
    const { view } = parts.log;
    const replaced = readObject(view, bucket.id, key.bytes);
    checkWriteCondition(object.condition, replaced === null ? null : etagOf(replaced.record), key.text);
    const modifiedMs = parts.clock.nowMs();
    const content: ObjectContent = {
      ...identity,
      ...placeFields(body),
      ...descriptionFields(object.described),
      sizeBytes: body.sizeBytes,
      modifiedMs,
      checksum: digestRecord(object.checksum),
    };
    const change = putObject(authorOf(parts), {
      bucketName: bucket.name,
      bucket: bucket.seen,
      objectKey: key.bytes,
      replaced,
      content,
      repairs: body.repair === null ? [] : [body.repair],
      replacedRepairs: replaced === null ? [] : repairKeysOf(view, replaced.record),
    });
    return { change, answer: () => ({ etag, modifiedMs }) };
  });
}

/** An MD5, or without one (`--etag fast`) something unique in its place. */
export function etagFields(
  body: WrittenBody,
  parts: OperationParts,
): { readonly md5: Uint8Array; readonly etagKind: number } {
  if (body.md5 !== null) return { md5: body.md5, etagKind: records.EtagKind.MD5 };
  return { md5: Buffer.from(parts.random.bytes(16)), etagKind: records.EtagKind.FAST };
}
