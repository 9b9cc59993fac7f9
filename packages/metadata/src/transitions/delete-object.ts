import type { BucketId } from "@kakera/kernel";
import { idBytes } from "@kakera/kernel";
import type { ObjectRecord } from "@kakera/protocol";
import { keys } from "../key-space.ts";
import type { Change } from "../ports/commit-log.ts";
import type { Key } from "../ports/view.ts";
import { droppedBodies, garbagePuts } from "./dropped-bodies.ts";
import { compareSeen, newChangeId, type Author, type Seen } from "./transition.ts";

export interface ObjectDeletion {
  readonly objectKey: Uint8Array;
  readonly object: Seen<ObjectRecord>;
  /** Repair rows of `object` (`repairKeysOf`). */
  readonly repairs: readonly Key[];
}

/**
 * Current objects go, all in one change: DeleteObject with one, DeleteObjects with up to a thousand (one journal record and
 * one view transaction). Each is compared at the revision seen; keys must differ. Goes on when space is short.
 */
export function deleteObjects(author: Author, bucketId: BucketId, deletions: readonly ObjectDeletion[]): Change {
  const bucketIdBytes = idBytes(bucketId);
  const changes = deletions.map((deletion) => {
    const key = keys.current(bucketId, deletion.objectKey);
    const owner = { bucketId: bucketIdBytes, objectKey: deletion.objectKey };
    return {
      compare: compareSeen(key, deletion.object),
      deletes: [key, ...deletion.repairs],
      puts: garbagePuts(author, owner, droppedBodies(deletion.object.record, null)),
    };
  });
  return {
    id: newChangeId(author),
    purpose: "free",
    compares: changes.map((change) => change.compare),
    puts: changes.flatMap((change) => change.puts),
    deletes: changes.flatMap((change) => change.deletes),
  };
}

export function deleteObject(author: Author, bucketId: BucketId, deletion: ObjectDeletion): Change {
  return deleteObjects(author, bucketId, [deletion]);
}
