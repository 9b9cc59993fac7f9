import type { ShardRef } from "@kakera/rpc";
import type { PendingRecord } from "./pending-record.ts";

/**
 * Which record of a shard a new tombstone kills: the indexed one, unless this very batch changes it before. Copies travel
 * in the same batches: neither an old record nor an old tombstone may hide what is newer.
 */
export class BatchMarks {
  readonly #liveSequence: (ref: ShardRef) => number | null;
  readonly #isNeeded: boolean;
  readonly #inBatch = new Map<string, number | null>();

  constructor(records: readonly PendingRecord[], liveSequence: (ref: ShardRef) => number | null) {
    this.#liveSequence = liveSequence;
    this.#isNeeded = records.some((record) => record.mark === null);
  }

  /** The sequence number up to which a tombstone kills here; null: the shard is not here. */
  killedBy(ref: ShardRef): number | null {
    const earlier = this.#inBatch.get(nameOf(ref));
    return earlier === undefined ? this.#liveSequence(ref) : earlier;
  }

  noteShard(ref: ShardRef, sequence: number): void {
    if (!this.#isNeeded || sequence < (this.killedBy(ref) ?? 0)) return;
    this.#inBatch.set(nameOf(ref), sequence);
  }

  noteTombstone(ref: ShardRef, mark: number): void {
    if (!this.#isNeeded || mark < (this.killedBy(ref) ?? 0)) return;
    this.#inBatch.set(nameOf(ref), null);
  }
}

function nameOf(ref: ShardRef): string {
  return `${ref.group}/${ref.dataId}/${ref.chunkIndex}/${ref.shardIndex}`;
}
