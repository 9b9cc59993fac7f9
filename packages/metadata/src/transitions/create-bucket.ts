import { idBytes, newId, type BucketId } from "@kakera/kernel";
import { records, type BucketRecordInput } from "@kakera/protocol";
import { keys } from "../key-space.ts";
import type { Change } from "../ports/commit-log.ts";
import { compareSeen, newChangeId, type Author } from "./transition.ts";

/** A bucket comes to be; refused when there is one of that name. Its id is new: it inherits nothing from an earlier one. */
export function createBucket(
  author: Author,
  name: string,
  content: Omit<BucketRecordInput, "bucketId" | "state" | "closingSession">,
): { readonly change: Change; readonly bucketId: BucketId } {
  const bucketId = newId("bucket", author.random);
  const key = keys.bucket(name);
  const value = records.BucketRecord.encode({ ...content, bucketId: idBytes(bucketId) }).finish();
  const change: Change = {
    id: newChangeId(author),
    purpose: "write",
    compares: [compareSeen(key, null)],
    puts: [{ key, value }],
    deletes: [],
  };
  return { change, bucketId };
}
