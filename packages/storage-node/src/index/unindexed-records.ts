import type { DataId } from "@kakera/kernel";
import type { ShardRef } from "@kakera/rpc";
import type { RecordEntry } from "../record/record-entry.ts";

export interface UnindexedRecord {
  readonly segmentId: number;
  readonly entry: RecordEntry;
}

/** Records of shards that are durable in a segment which is not sealed, and not in the store yet. */
export class UnindexedRecords {
  readonly #byData = new Map<DataId, UnindexedRecord[]>();
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** The last that was added of this shard: the newest. */
  find({ group, dataId, chunkIndex, shardIndex }: ShardRef): UnindexedRecord | null {
    const records = this.#byData.get(dataId);
    if (records === undefined) return null;
    const isWanted = ({ entry: { ref } }: UnindexedRecord): boolean =>
      ref.chunkIndex === chunkIndex && ref.shardIndex === shardIndex && ref.group === group;
    return records.findLast(isWanted) ?? null;
  }

  add(record: UnindexedRecord): void {
    const { dataId } = record.entry.ref;
    const records = this.#byData.get(dataId);
    if (records === undefined) this.#byData.set(dataId, [record]);
    else records.push(record);
    this.#count += 1;
  }

  /** Those of one shard in the order in which they were added. */
  all(): IterableIterator<UnindexedRecord[]> {
    return this.#byData.values();
  }

  clear(): void {
    this.#byData.clear();
    this.#count = 0;
  }
}
