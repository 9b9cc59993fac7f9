import type { Key, KeyRange, RangeEntry, View } from "@kakera/metadata";
import type { ListingCursor } from "@kakera/s3";

const batchEntriesMin = 8;
const batchEntriesMax = 256;
const zeroByte = Buffer.alloc(1);

/**
 * The entries of a range whose keys are `range.from` with a name behind it (objects of a bucket, buckets), by name in byte order.
 * They are taken from the view in batches that grow while the walk is sequential and start small after each jump, as a
 * listing with a delimiter jumps from prefix to prefix.
 */
export function createViewCursor<Item>(
  view: View,
  range: KeyRange,
  decode: (entry: RangeEntry) => Item,
): ListingCursor<Item> {
  const nameStart = range.from.byteLength;
  let batch: RangeEntry[] = [];
  let at = 0;
  let batchEntries = batchEntriesMin;
  const fill = (from: Key): Buffer | null => {
    batch = view.range(from, range.to, batchEntries);
    at = 0;
    return present();
  };
  const present = (): Buffer | null => batch[at]?.key.subarray(nameStart) ?? null;
  return {
    seek(name) {
      batchEntries = batchEntriesMin;
      return fill(Buffer.concat([range.from, name]));
    },
    next() {
      const last = batch[at];
      if (last === undefined) return null;
      if (++at < batch.length) return present();
      if (batch.length < batchEntries) return null;
      batchEntries = Math.min(batchEntries * 4, batchEntriesMax);
      // The lowest key above the last one.
      return fill(Buffer.concat([last.key, zeroByte]));
    },
    read: () => decode(batch[at] as RangeEntry),
  };
}
