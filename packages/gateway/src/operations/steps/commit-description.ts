import { ClusterFailure } from "@kakera/kernel";
import { keys, putObject, readObject, repairKeysOf } from "@kakera/metadata";
import type { ObjectRecord } from "@kakera/protocol";
import { checkWriteCondition, type WriteCondition } from "@kakera/s3";
import type { OperationParts } from "../../gateway-parts.ts";
import { authorOf } from "./author.ts";
import type { CommittedObject } from "./commit-object.ts";
import type { CurrentObject } from "./current-object.ts";
import { decide } from "./decide.ts";
import { descriptionFields, type DescribedObject } from "./described-object.ts";
import { etagOf } from "./etag-of.ts";
import { writableBucket } from "./open-bucket.ts";

export interface NewDescription {
  readonly object: CurrentObject;
  readonly condition: WriteCondition;
  readonly describe: (record: ObjectRecord) => DescribedObject;
}

/** A copy of an object onto itself: its headers, metadata and tags change, its body stays where it is and keeps its chunks. */
export function commitDescription(parts: OperationParts, description: NewDescription): Promise<CommittedObject> {
  const { object, condition, describe } = description;
  const { key } = object;
  return decide(parts, [keys.current(object.bucket.id, key.bytes)], () => {
    const bucket = writableBucket(parts, object.bucket);
    const { view } = parts.log;
    const present = readObject(view, bucket.id, key.bytes);
    // The body that the sender's conditions were checked against is gone.
    if (present === null || present.revision !== object.seen.revision)
      throw new ClusterFailure("retry", "the object changed while it was copied");
    const etag = etagOf(present.record);
    checkWriteCondition(condition, etag, key.text);
    const modifiedMs = parts.clock.nowMs();
    const { ordinal: _ordinal, changeId: _changeId, session: _session, ...kept } = present.record;
    const change = putObject(authorOf(parts), {
      bucketName: bucket.name,
      bucket: bucket.seen,
      objectKey: key.bytes,
      replaced: present,
      content: { ...kept, ...descriptionFields(describe(present.record)), modifiedMs },
      repairs: [],
      replacedRepairs: repairKeysOf(view, present.record),
    });
    return { change, answer: () => ({ etag, modifiedMs }) };
  });
}
