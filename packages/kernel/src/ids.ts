import { assert } from "./assert.ts";
import type { Random } from "./ports/random.ts";

declare const brand: unique symbol;
/** A string that may not be mixed up with another kind of string. In memory ids are lower-case hex; on disk and wire raw bytes. */
type Id<Name extends string> = string & { readonly [brand]: Name };

/** 16 bytes: names one storage cluster for ever. */
export type ClusterId = Id<"ClusterId">;
/** 16 bytes: names one drive directory for ever. */
export type DriveId = Id<"DriveId">;
/** 16 bytes: one life of one gateway process; every commit and every chunk header carries it. */
export type SessionId = Id<"SessionId">;
/** 8 bytes: names a bucket's life, so that a new bucket of an old name inherits nothing. */
export type BucketId = Id<"BucketId">;
/** 16 bytes: names one body (of an object or of a part); its chunks are {dataId, 0}, {dataId, 1}, ... Never used twice. */
export type DataId = Id<"DataId">;
/** 16 bytes: one multipart upload. */
export type UploadId = Id<"UploadId">;
/** 16 bytes: one change offered to the commit log. */
export type ChangeId = Id<"ChangeId">;
/** 16 bytes: one life of one process of a cluster, whatever its roles. */
export type NodeId = Id<"NodeId">;
/** 16 bytes: a garbage or repair record. */
export type TaskId = Id<"TaskId">;

const idSizesBytes = {
  cluster: 16,
  drive: 16,
  session: 16,
  bucket: 8,
  data: 16,
  upload: 16,
  change: 16,
  node: 16,
  task: 16,
} as const;
type IdOf = {
  cluster: ClusterId;
  drive: DriveId;
  session: SessionId;
  bucket: BucketId;
  data: DataId;
  upload: UploadId;
  change: ChangeId;
  node: NodeId;
  task: TaskId;
};
export type IdKind = keyof IdOf;

/** A fresh id. Unique because it is random (64 bits for buckets, 128 for all else). */
export function newId<K extends IdKind>(kind: K, random: Random): IdOf[K] {
  return bytesToHex(random.bytes(idSizesBytes[kind])) as unknown as IdOf[K];
}

/** Raw bytes (from disk or wire) to an id. Throws AssertionFailure when the length is wrong. */
export function idFromBytes<K extends IdKind>(kind: K, bytes: Uint8Array): IdOf[K] {
  assert(bytes.byteLength === idSizesBytes[kind], `${kind} id of ${bytes.byteLength} bytes`);
  return bytesToHex(bytes) as unknown as IdOf[K];
}

/** Hex text (from a person or a header) to an id, or null when it is not one. */
export function parseId<K extends IdKind>(kind: K, text: string): IdOf[K] | null {
  const isId = text.length === idSizesBytes[kind] * 2 && /^[0-9a-f]+$/.test(text);
  return isId ? (text as unknown as IdOf[K]) : null;
}

/** The raw bytes of any id. */
export function idBytes(id: IdOf[IdKind]): Buffer {
  return Buffer.from(id, "hex");
}

function bytesToHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}
