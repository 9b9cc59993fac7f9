import { idBytes, idFromBytes, type BucketId, type DataId } from "@kakera/kernel";
import {
  records,
  type BodyPlaceInput,
  type ObjectRecord,
  type PartEntry,
  type RepairRecordInput,
} from "@kakera/protocol";
import { keys, ranges } from "../key-space.ts";
import type { Change, KeyRange } from "../ports/commit-log.ts";
import type { Key } from "../ports/view.ts";
import { bodiesOf, garbagePuts } from "./dropped-bodies.ts";
import { partTable } from "./part-table.ts";
import { repairPut } from "./repair.ts";
import { compareSeen, newChangeId, stampOf, type Author, type Put, type Seen } from "./transition.ts";

/** Bodies that were written anew, with the same bytes. */
export interface BodyCopies {
  /** By the data id of the original. */
  readonly places: ReadonlyMap<DataId, BodyPlaceInput>;
  /** What the copies lack. */
  readonly repairs: readonly RepairRecordInput[];
  /** Repair rows of the originals, as the view has them. */
  readonly originalsRepairs: readonly Key[];
}

/**
 * Has an object name copies of some of its bodies, and drops the originals. It stays the same version: ordinal, ETag and Last-Modified
 * are kept. `table` is its part table (`partTableOf`). One that lies in rows of its own is written anew; the old rows go in the same
 * change, as a garbage row that names them would drop the bodies that are kept.
 */
export function replaceBodies(
  author: Author,
  object: {
    readonly bucketId: BucketId;
    readonly objectKey: Uint8Array;
    readonly seen: Seen<ObjectRecord>;
    readonly table: readonly PartEntry[];
  },
  copies: BodyCopies,
): Change {
  const id = newChangeId(author);
  const key = keys.current(object.bucketId, object.objectKey);
  const { record } = object.seen;
  const dropped: BodyPlaceInput[] = bodiesOf({ body: record.body ?? null, parts: [...object.table] }).filter(
    (body) => copyOf(body) !== null,
  );
  const table = tableOf();
  const body = record.body == null ? {} : { body: copyOf(record.body) ?? record.body };
  const value = Object.assign({}, record, body, table.fields, stampOf(author, id));
  return {
    id,
    // Space is needed for it and given back by it: it must not be what is left out when there is little.
    purpose: "write",
    compares: [compareSeen(key, object.seen)],
    puts: [
      { key, value: records.ObjectRecord.encode(value).finish() },
      ...table.puts,
      ...garbagePuts(
        author,
        { bucketId: idBytes(object.bucketId), objectKey: object.objectKey },
        { bodies: dropped, layout: null },
      ),
      ...copies.repairs.map(repairPut),
    ],
    deletes: [...copies.originalsRepairs],
    deleteRanges: table.dropped,
  };

  function copyOf(place: BodyPlaceInput | null | undefined): BodyPlaceInput | null {
    if (place?.dataId == null || place.dataId.byteLength === 0) return null;
    return copies.places.get(idFromBytes("data", place.dataId)) ?? null;
  }

  function tableOf(): {
    readonly fields: object;
    readonly puts: readonly Put[];
    readonly dropped: readonly KeyRange[];
  } {
    if (object.table.length === 0) return { fields: {}, puts: [], dropped: [] };
    const entries = object.table.map((entry) =>
      Object.assign({}, entry, { body: copyOf(entry.body) ?? entry.body ?? null }),
    );
    const written = partTable(author, entries);
    const dropped = record.layoutPieces === 0 ? [] : [ranges.layout(idFromBytes("data", record.layoutId))];
    return { ...written, dropped };
  }
}
