import { records, type ObjectRecord, type PartEntryInput } from "@kakera/protocol";
import { fastEtag, md5Etag, type Etag } from "@kakera/s3";

/** An object's ETag, bare: MD5 in hex, `hex-N` of N parts, or random with a "-" when no MD5 was kept. */
export function etagOf(record: Pick<ObjectRecord, "md5" | "partCount" | "etagKind">): Etag {
  const md5 = Buffer.from(record.md5.buffer, record.md5.byteOffset, record.md5.byteLength);
  if (record.partCount > 0) return `${md5.toString("hex")}-${record.partCount}`;
  return record.etagKind === records.EtagKind.FAST ? fastEtag(md5) : md5Etag(md5);
}

/** A part's ETag, bare. */
export function etagOfPart(part: Pick<PartEntryInput, "md5" | "etagKind">): Etag {
  return etagOf({ md5: part.md5 ?? Buffer.alloc(0), partCount: 0, etagKind: part.etagKind ?? records.EtagKind.MD5 });
}
