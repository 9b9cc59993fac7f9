import { assert, idBytes, type BucketId, type DataId, type DriveId, type TaskId, type UploadId } from "@kakera/kernel";
import type { Key, KeyRange } from "./index.ts";

/**
 * The key space: built here and nowhere else. Every key begins with one table byte; fixed-width components come first.
 * The object key is raw and last where nothing follows it, and escaped in order (00 -> 00 FF, end 00 00) where something
 * does; so LIST order is the bytewise order of object keys (correctness.md F13). NUL is refused in object keys.
 */
const table = {
  bucket: 0x62, // b
  current: 0x63, // c
  version: 0x76, // v
  upload: 0x75, // u
  part: 0x70, // p
  completed: 0x6b, // k
  layout: 0x6c, // l
  garbage: 0x67, // g
  repair: 0x72, // r
  pool: 0x50, // P
  group: 0x47, // G
  drive: 0x64, // d
  plan: 0x6d, // m
  step: 0x73, // s
  cluster: 0x43, // C
  upkeep: 0x55, // U
  tail: 0x74, // t
} as const;
export type Table = keyof typeof table;

/** The byte that all keys of a table begin with. */
export function tableByte(name: Table): number {
  return table[name];
}

export const objectKeyBytesMax = 1024;
const bucketIdBytes = 8;
const uploadIdBytes = 16;

const upkeepKind = { report: Buffer.from("r"), scrub: Buffer.from("s"), order: Buffer.from("o") } as const;

export const keys = {
  bucket: (name: string): Key => join(table.bucket, Buffer.from(name, "latin1")),
  current: (bucket: BucketId, objectKey: Uint8Array): Key => join(table.current, idBytes(bucket), objectKey),
  upload: (bucket: BucketId, objectKey: Uint8Array, upload: UploadId): Key =>
    join(table.upload, idBytes(bucket), escape(objectKey), idBytes(upload)),
  part: (upload: UploadId, number: number): Key => join(table.part, idBytes(upload), uint16(number)),
  completed: (upload: UploadId): Key => join(table.completed, idBytes(upload)),
  layout: (layout: DataId, piece: number): Key => join(table.layout, idBytes(layout), uint16(piece)),
  garbage: (id: TaskId): Key => join(table.garbage, idBytes(id)),
  repair: (id: TaskId): Key => join(table.repair, idBytes(id)),
  pool: (pool: number): Key => join(table.pool, uint32(pool)),
  group: (pool: number, group: number): Key => join(table.group, uint32(pool), uint32(group)),
  drive: (drive: DriveId): Key => join(table.drive, idBytes(drive)),
  plan: (): Key => join(table.plan),
  step: (pool: number, group: number): Key => join(table.step, uint32(pool), uint32(group)),
  cluster: (): Key => join(table.cluster),
  upkeepReport: (): Key => join(table.upkeep, upkeepKind.report),
  scrub: (drive: DriveId): Key => join(table.upkeep, upkeepKind.scrub, idBytes(drive)),
  repairOrder: (): Key => join(table.upkeep, upkeepKind.order),
  tail: (): Key => join(table.tail),
} as const;

export const ranges = {
  /** Everything in one table. */
  table: (name: Table): KeyRange => ({ from: join(table[name]), to: Buffer.of(table[name] + 1) }),
  /** Current objects of a bucket, keys from `fromObjectKey` on. */
  current: (bucket: BucketId, fromObjectKey: Uint8Array = Buffer.alloc(0)): KeyRange =>
    within(join(table.current, idBytes(bucket)), fromObjectKey),
  versions: (bucket: BucketId): KeyRange => within(join(table.version, idBytes(bucket)), Buffer.alloc(0)),
  /** Open uploads of a bucket, in order of object key, then upload id. */
  uploads: (bucket: BucketId): KeyRange => within(join(table.upload, idBytes(bucket)), Buffer.alloc(0)),
  /** Open uploads of one object key. */
  uploadsOf: (bucket: BucketId, objectKey: Uint8Array): KeyRange =>
    within(join(table.upload, idBytes(bucket), escape(objectKey)), Buffer.alloc(0)),
  parts: (upload: UploadId): KeyRange => within(join(table.part, idBytes(upload)), Buffer.alloc(0)),
  layout: (layout: DataId): KeyRange => within(join(table.layout, idBytes(layout)), Buffer.alloc(0)),
} as const;

const tablesOfAnswers: ReadonlySet<number> = new Set([
  table.bucket,
  table.current,
  table.version,
  table.upload,
  table.part,
  table.completed,
  table.layout,
]);

/** Whether clients are told of the row; the others are the store's own: where bytes lie, and what is to be done. */
export function isRowOfAnswers(key: Key): boolean {
  return tablesOfAnswers.has(key[0] as number);
}

/** The object key within a `current` key. A view, not a copy. */
export function objectKeyOfCurrent(key: Uint8Array): Uint8Array {
  return key.subarray(1 + bucketIdBytes);
}

/** The pool and number within a `group` or `step` key. */
export function groupOfKey(key: Uint8Array): { readonly pool: number; readonly group: number } {
  const { buffer, byteOffset, byteLength } = key;
  const bytes = Buffer.from(buffer, byteOffset, byteLength);
  return { pool: bytes.readUInt32BE(1), group: bytes.readUInt32BE(5) };
}

/** The object key and upload id within an `upload` key. */
export function partsOfUploadKey(key: Uint8Array): { objectKey: Buffer; uploadIdBytes: Uint8Array } {
  const escaped = key.subarray(1 + bucketIdBytes, key.byteLength - uploadIdBytes);
  return { objectKey: unescape(escaped), uploadIdBytes: key.subarray(key.byteLength - uploadIdBytes) };
}

/** The smallest key above every key that begins with `prefix`; null when there is none (all 0xFF). */
export function successorOfPrefix(prefix: Uint8Array): Buffer | null {
  for (let last = prefix.byteLength - 1; last >= 0; last--) {
    const byte = prefix[last] as number;
    if (byte < 0xff) {
      const successor = Buffer.from(prefix.subarray(0, last + 1));
      successor[last] = byte + 1;
      return successor;
    }
  }
  return null;
}

function within(prefix: Buffer, rest: Uint8Array): KeyRange {
  const to = successorOfPrefix(prefix);
  assert(to !== null, "a table byte is below 0xFF");
  return { from: rest.byteLength === 0 ? prefix : Buffer.concat([prefix, rest]), to };
}

function escape(objectKey: Uint8Array): Buffer {
  const parts: number[] = [];
  for (const byte of objectKey) {
    parts.push(byte);
    if (byte === 0) parts.push(0xff);
  }
  parts.push(0, 0);
  return Buffer.from(parts);
}

function unescape(escaped: Uint8Array): Buffer {
  const parts: number[] = [];
  for (let i = 0; i < escaped.byteLength; i++) {
    const byte = escaped[i] as number;
    if (byte === 0) {
      if (escaped[i + 1] === 0) break;
      i++;
    }
    parts.push(byte);
  }
  return Buffer.from(parts);
}

function join(tableByte: number, ...components: readonly Uint8Array[]): Buffer {
  let sizeBytes = 1;
  for (const component of components) sizeBytes += component.byteLength;
  const key = Buffer.allocUnsafe(sizeBytes);
  key[0] = tableByte;
  let offset = 1;
  for (const component of components) {
    key.set(component, offset);
    offset += component.byteLength;
  }
  return key;
}

function uint16(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
