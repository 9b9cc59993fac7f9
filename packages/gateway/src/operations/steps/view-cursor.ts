import type { BucketId } from "@kakera/kernel";
import { keys, objectKeyOfCurrent, ranges, type RangeEntry, type View } from "@kakera/metadata";
import type { ListingCursor } from "@kakera/s3";

const batchEntriesMin = 8;
const batchEntriesMax = 256;

/**
 * The current objects of a bucket in byte order of their keys. Entries are taken from the view in batches that grow while
 * the walk is sequential and start small after each jump, as a listing with a delimiter jumps from prefix to prefix.
 */
export function createViewCursor<Item>(
  view: View,
  bucketId: BucketId,
  decode: (entry: RangeEntry) => Item,
): ListingCursor<Item> {
  const { to } = ranges.current(bucketId);
  let batch: RangeEntry[] = [];
  let at = 0;
  let batchEntries = batchEntriesMin;
  const fill = (from: Uint8Array): Buffer | null => {
    batch = view.range(from, to, batchEntries);
    at = 0;
    return keyAt();
  };
  const keyAt = (): Buffer | null => {
    const entry = batch[at];
    return entry === undefined ? null : (objectKeyOfCurrent(entry.key) as Buffer);
  };
  return {
    seek(key) {
      batchEntries = batchEntriesMin;
      return fill(keys.current(bucketId, key));
    },
    next() {
      const last = batch[at];
      if (last === undefined) return null;
      if (++at < batch.length) return keyAt();
      if (batch.length < batchEntries) return null;
      batchEntries = Math.min(batchEntries * 4, batchEntriesMax);
      // The lowest key above the last one: itself and a zero byte.
      return fill(Buffer.concat([last.key, Buffer.alloc(1)]));
    },
    read: () => decode(batch[at] as RangeEntry),
  };
}
