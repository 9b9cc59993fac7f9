import type { Key, KeyRange, View } from "@kakera/metadata";
import type { ListingCursor } from "@kakera/s3";

const batchEntriesMin = 8;
const batchEntriesMax = 256;
const zeroByte = Buffer.alloc(1);

/**
 * The entries of a range whose keys are `range.from` with a name behind it (objects of a bucket, buckets), by name in byte order.
 * They are taken from the view in batches that grow while the walk is sequential and start small after each jump, as a
 * listing with a delimiter jumps from prefix to prefix. `decode` gets a value whose buffer is used again: it must keep nothing of it.
 */
export function createViewCursor<Item>(
  view: View,
  range: KeyRange,
  decode: (value: Buffer) => Item,
): ListingCursor<Item> {
  const nameStart = range.from.byteLength;
  let batch: { readonly name: Buffer; readonly item: Item }[] = [];
  let at = 0;
  let batchEntries = batchEntriesMin;
  const fill = (from: Key): Buffer | null => {
    batch = [];
    at = 0;
    view.walk(from, range.to, (key, value) => {
      batch.push({ name: key.subarray(nameStart), item: decode(value) });
      return batch.length < batchEntries ? "next" : "stop";
    });
    return batch[0]?.name ?? null;
  };
  return {
    seek(name) {
      batchEntries = batchEntriesMin;
      return fill(Buffer.concat([range.from, name]));
    },
    next() {
      const last = batch[at];
      if (last === undefined) return null;
      if (++at < batch.length) return (batch[at] as { name: Buffer }).name;
      if (batch.length < batchEntries) return null;
      batchEntries = Math.min(batchEntries * 4, batchEntriesMax);
      // The lowest key above the last one.
      return fill(Buffer.concat([range.from, last.name, zeroByte]));
    },
    read: () => (batch[at] as { item: Item }).item,
  };
}
