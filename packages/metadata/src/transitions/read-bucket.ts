import { records, type BucketRecord } from "@kakera/protocol";
import { keys, tableByte } from "../key-space.ts";
import type { Key, View } from "../ports/view.ts";
import type { Seen } from "./transition.ts";

interface Known {
  readonly key: Key;
  /** The table's generation at the last look: as long as it stands, so does what was seen. */
  generation: number;
  /** The value that was decoded, or null as long as there was none. */
  value: Buffer | null;
  seen: Seen<BucketRecord> | null;
}

const bucketsMax = 1000;
const bucketTable = tableByte("bucket");
const byView = new WeakMap<View, Map<string, Known>>();

/**
 * A bucket by its name, as every request needs it. It is looked up again only when a bucket has changed, and decoded again only
 * when its bytes or its revision differ from the last ones. The record is shared: it is never written to.
 */
export function readBucket(view: View, name: string): Seen<BucketRecord> | null {
  let buckets = byView.get(view);
  if (buckets === undefined) byView.set(view, (buckets = new Map()));
  let known = buckets.get(name);
  if (known === undefined) {
    known = { key: keys.bucket(name), generation: 0, value: null, seen: null };
    // Names that strangers ask for push out others at worst: what is forgotten is decoded again.
    if (buckets.size >= bucketsMax) buckets.clear();
    buckets.set(name, known);
  }
  const generation = view.generation(bucketTable);
  if (known.generation === generation) return known.seen;
  const cached = known;
  known.seen = view.with(known.key, (value, revision) => current(cached, value, revision));
  known.generation = generation;
  return known.seen;
}

function current(known: Known, value: Buffer, revision: number): Seen<BucketRecord> {
  if (known.seen !== null && known.seen.revision === revision && known.value?.equals(value) === true) return known.seen;
  // Decoded messages keep slices of what they were decoded from, and `value` is lent.
  known.value = Buffer.from(value);
  known.seen = { record: Object.freeze(records.BucketRecord.decode(known.value)), revision };
  return known.seen;
}
