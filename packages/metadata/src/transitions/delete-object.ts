import type { BucketId } from "@kakera/kernel";
import { idBytes } from "@kakera/kernel";
import { objectKeyOfCurrent } from "../key-space.ts";
import type { Change, Compare } from "../ports/commit-log.ts";
import type { Key } from "../ports/view.ts";
import { droppedBodies, garbagePuts, isNothing } from "./dropped-bodies.ts";
import type { DeletableRecord } from "./read-deletable.ts";
import { compareSeen, newChangeId, type Author, type Put, type Seen } from "./transition.ts";

export interface ObjectDeletion {
  /** `keys.current` of the object. */
  readonly key: Key;
  readonly object: Seen<DeletableRecord>;
  /** Repair rows of `object` (`repairKeysOf`). */
  readonly repairs: readonly Key[];
}

/**
 * Current objects go, all in one change: DeleteObject with one, DeleteObjects with up to a thousand (one journal record and
 * one view transaction). Each is compared at the revision seen; keys must differ. Goes on when space is short.
 */
export function deleteObjects(author: Author, bucketId: BucketId, deletions: readonly ObjectDeletion[]): Change {
  const bucketIdBytes = idBytes(bucketId);
  const compares: Compare[] = [];
  const deletes: Key[] = [];
  const puts: Put[] = [];
  for (const { key, object, repairs } of deletions) {
    compares.push(compareSeen(key, object));
    deletes.push(key, ...repairs);
    const dropped = droppedBodies(object.record, null);
    if (isNothing(dropped)) continue;
    puts.push(...garbagePuts(author, { bucketId: bucketIdBytes, objectKey: objectKeyOfCurrent(key) }, dropped));
  }
  return { id: newChangeId(author), purpose: "free", compares, puts, deletes };
}

export function deleteObject(author: Author, bucketId: BucketId, deletion: ObjectDeletion): Change {
  return deleteObjects(author, bucketId, [deletion]);
}
