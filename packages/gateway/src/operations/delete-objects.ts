import {
  deleteObjects as deleteObjectsChange,
  keys,
  objectKeyOfCurrent,
  readDeletable,
  readObject,
  repairKeysOf,
  type CommitLog,
  type Key,
  type ObjectDeletion,
  type Plan,
} from "@kakera/metadata";
import {
  checkVersionId,
  checkWriteCondition,
  deleteBytesMax,
  deleteConditionOf,
  objectKeyFromText,
  parseDelete,
  renderDeleteResult,
  S3Error,
  toS3Error,
  type DeletedObject,
  type ObjectToDelete,
} from "@kakera/s3";
import { xmlAnswer, type Answer } from "../answer.ts";
import type { OperationParts } from "../gateway-parts.ts";
import type { Call } from "./call.ts";
import { bucketOf } from "./steps/addressed.ts";
import { authorOf } from "./steps/author.ts";
import { decide } from "./steps/decide.ts";
import { etagOf } from "./steps/etag-of.ts";
import { openBucket, type OpenBucket } from "./steps/open-bucket.ts";
import { readDocument } from "./steps/read-document.ts";

/**
 * Up to a thousand keys in one change (or as many as the log takes): one journal record and one view transaction instead of a thousand.
 * Where it takes fewer, the changes are offered at once, and travel together.
 */
export async function deleteObjects(call: Call, parts: OperationParts): Promise<Answer> {
  const document = await readDocument(call, deleteBytesMax, "needed");
  const { objects, isQuiet } = parseDelete(document);
  await parts.log.barrier();
  const bucket = openBucket(parts.log.view, bucketOf(call));
  const slices = sliceKeys(objects, keysPerChange(parts));
  const deleted = await Promise.all(
    slices.map((slice) => deleteSlice(parts, bucket, { objects: slice, isOnly: slices.length === 1 })),
  );
  return xmlAnswer(renderDeleteResult(deleted.flat(), isQuiet));
}

/** An object takes two writes: its row goes, and a row of garbage comes. */
function keysPerChange({ settings, log }: OperationParts): number {
  return Math.min(settings.keysPerDeletionMax, Math.floor(log.operationsPerChangeMax / 2));
}

/** Keys that are named twice come into one slice: they are deleted once. */
function sliceKeys(objects: readonly ObjectToDelete[], keysMax: number): ObjectToDelete[][] {
  if (objects.length <= keysMax) return [[...objects]];
  const slices: ObjectToDelete[][] = [];
  for (const same of Map.groupBy(objects, ({ key }) => key).values()) {
    const last = slices.at(-1);
    if (last === undefined || last.length + same.length > keysMax) slices.push([...same]);
    else last.push(...same);
  }
  return slices;
}

/**
 * A slice fails for each of its keys, as others may have gone well; the only one fails as a request. One that is more than the log takes
 * (objects that wait for repair drop their rows too) is halved.
 */
async function deleteSlice(
  parts: OperationParts,
  bucket: OpenBucket,
  slice: { readonly objects: readonly ObjectToDelete[]; readonly isOnly: boolean },
): Promise<DeletedObject[]> {
  const { objects } = slice;
  const named = objects.map((object) => nameKey(bucket, object));
  const queued = named.flatMap(({ row }) => (row === null ? [] : [row]));
  try {
    const done = await decide(parts, queued, () => fitting(parts.log, planDeletion(parts, bucket, named)));
    if (done !== null) return done;
  } catch (failure) {
    if (slice.isOnly) throw failure;
    return objects.map(({ key, versionId }) => ({ key, versionId, error: toS3Error(failure) }));
  }
  const half = Math.ceil(objects.length / 2);
  const halves = [objects.slice(0, half), objects.slice(half)];
  const deleted = await Promise.all(halves.map((some) => deleteSlice(parts, bucket, { objects: some, isOnly: false })));
  return deleted.flat();
}

/** null: the change is more than the log takes, and there is more than one key in it. */
function fitting(log: CommitLog, plan: Plan<DeletedObject[]>): Plan<DeletedObject[] | null> {
  if (!("change" in plan)) return plan;
  const { puts, deletes, compares } = plan.change;
  const isFitting = Math.max(puts.length + deletes.length, compares.length) <= log.operationsPerChangeMax;
  return isFitting || compares.length <= 1 ? plan : { answer: null };
}

interface NamedKey {
  readonly object: ObjectToDelete;
  /** Where the object is in the view; null: no key can be so, and `error` says why. */
  readonly row: Key | null;
  readonly error: S3Error | null;
}

function nameKey(bucket: OpenBucket, object: ObjectToDelete): NamedKey {
  try {
    const key = objectKeyFromText(object.key);
    checkVersionId(object.versionId, object.key);
    return { object, row: keys.current(bucket.id, key.bytes), error: null };
  } catch (error) {
    if (!(error instanceof S3Error)) throw error;
    return { object, row: null, error };
  }
}

function planDeletion(
  parts: OperationParts,
  bucket: OpenBucket,
  named: readonly NamedKey[],
): ReturnType<Parameters<typeof decide<DeletedObject[]>>[2]> {
  const deletions: ObjectDeletion[] = [];
  const deleting = new Set<string>();
  const deleted: DeletedObject[] = [];
  for (const { object, row, error } of named) {
    const { key, versionId } = object;
    const found = row === null ? error : planKey(parts, bucket, { object, row });
    if (found instanceof S3Error) {
      deleted.push({ key, versionId, error: found });
      continue;
    }
    // A key that is named twice is deleted once.
    if (found !== null && !deleting.has(key)) {
      deleting.add(key);
      deletions.push(found);
    }
    deleted.push({ key, versionId, error: null });
  }
  if (deletions.length === 0) return { answer: deleted };
  return { change: deleteObjectsChange(authorOf(parts), bucket.id, deletions), answer: () => deleted };
}

/** null: the key is absent, which counts as deleted. */
function planKey(
  parts: OperationParts,
  bucket: OpenBucket,
  { object, row }: { object: ObjectToDelete; row: Key },
): ObjectDeletion | S3Error | null {
  const { view } = parts.log;
  const { etag, key } = object;
  if (etag !== null) {
    const current = readObject(view, bucket.id, objectKeyOfCurrent(row));
    try {
      checkWriteCondition(deleteConditionOf(etag), current === null ? null : etagOf(current.record), key);
    } catch (error) {
      if (error instanceof S3Error) return error;
      throw error;
    }
  }
  const seen = readDeletable(view, row);
  return seen === null ? null : { key: row, object: seen, repairs: repairKeysOf(view, seen.record) };
}
