import type { RangeEntry } from "@kakera/metadata";
import { records } from "@kakera/protocol";
import type { ListedObject } from "@kakera/s3";
import { etagOf } from "./etag-of.ts";

/** What listings show of an object. */
export function listedObject(entry: RangeEntry): ListedObject {
  const record = records.ObjectRecord.decode(entry.value);
  return { etag: etagOf(record), sizeBytes: record.sizeBytes, lastModifiedMs: record.modifiedMs, checksum: null };
}
