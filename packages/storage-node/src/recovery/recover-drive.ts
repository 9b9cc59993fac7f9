import type { AppendQueue } from "../segment/append-queue.ts";
import { emptyTemporaryFolder, indexAllOwnFiles, indexArrivingOwnFiles } from "./recover-own-files.ts";
import {
  closeOpenSegment,
  readTail,
  recoverSegments,
  type RecoveredSegments,
  type RecoveryParts,
} from "./recover-segments.ts";

/** Brings the index up to what lies on the drive. Changes nothing on it. */
export async function recoverIndex(parts: RecoveryParts): Promise<RecoveredSegments> {
  const { disk, index } = parts;
  const wasComplete = index.state.isComplete;
  const recovered = await recoverSegments(parts);
  if (wasComplete) await indexArrivingOwnFiles(disk, index);
  else await indexAllOwnFiles(disk, index);
  return { ...recovered, nextSequence: Math.max(recovered.nextSequence, index.state.nextSequence) };
}

/** Ends what the last run left open. The drive can be written by now. */
export async function settleLeftOvers(
  parts: RecoveryParts,
  recovered: RecoveredSegments,
  queue: AppendQueue,
): Promise<void> {
  await emptyTemporaryFolder(parts.disk);
  for (const open of recovered.open) {
    const tail = await readTail(parts, open);
    await Promise.all(tail.map((record) => queue.append(record)));
    await closeOpenSegment(parts, open);
  }
  // Not earlier: a tail may hold the record that a tombstone is there to kill.
  if (!parts.index.state.isComplete) parts.index.dropIdleTombstones();
  parts.index.markComplete();
}

/** A drive that may only be read keeps its last batches where they are: it does not count as holding them. */
export function indexTailsInPlace(parts: RecoveryParts, recovered: RecoveredSegments): void {
  for (const { segmentId, content } of recovered.open) {
    parts.index.applyBatch({ segmentId, entries: content.tail, nextSequence: recovered.nextSequence });
  }
}
