import { idFromBytes, type TaskId, type UploadId } from "@kakera/kernel";
import type { CompletedRecord, GarbageRecord } from "@kakera/protocol";
import { keys, ranges } from "../key-space.ts";
import type { Change } from "../ports/commit-log.ts";
import { compareSeen, newChangeId, type Author, type Seen } from "./transition.ts";

/** Garbage whose shards are gone. A part table goes with its garbage row, last, as only it names the bodies. */
export function dropGarbage(
  author: Author,
  dropped: readonly { readonly id: TaskId; readonly garbage: Seen<GarbageRecord> }[],
): Change {
  const layouts = dropped.filter((one) => one.garbage.record.layoutPieces > 0);
  return {
    id: newChangeId(author),
    purpose: "garbage",
    compares: dropped.map((one) => compareSeen(keys.garbage(one.id), one.garbage)),
    puts: [],
    deletes: dropped.map((one) => keys.garbage(one.id)),
    deleteRanges: layouts.map((one) => ranges.layout(idFromBytes("data", one.garbage.record.layoutId))),
  };
}

/** Answers of Complete that are a day old. */
export function dropCompleted(
  author: Author,
  dropped: readonly { readonly uploadId: UploadId; readonly completed: Seen<CompletedRecord> }[],
): Change {
  return {
    id: newChangeId(author),
    purpose: "garbage",
    compares: dropped.map((one) => compareSeen(keys.completed(one.uploadId), one.completed)),
    puts: [],
    deletes: dropped.map((one) => keys.completed(one.uploadId)),
  };
}
