import type { BucketId, SessionId } from "@kakera/kernel";
import type { BodyPlaceInput, RepairRecordInput } from "@kakera/protocol";

/**
 * The seam between S3 operations and the data path: operations know records and conditions, the data path knows chunks,
 * shards and drives. Neither looks into the other.
 */
export interface Bodies {
  /**
   * Takes a whole body in and makes it durable at the strength that architecture.md section 5 asks, before it resolves.
   * Nothing of it is reachable until the caller commits a record that names `place`.
   * Rejects with what the source threw (nothing is left behind), or with ClusterFailure (`retry`, `full`).
   */
  write(source: BodySource, owner: BodyOwner, signal: AbortSignal): Promise<WrittenBody>;

  /**
   * Sends bytes [offsetBytes, offsetBytes + lengthBytes) of the concatenated `parts` to the sink, in order, every byte
   * verified before it is handed over. Rejects with ClusterFailure before the first byte when it can be known then;
   * later the caller must destroy the connection. `signal` stops the fetch (client gone).
   */
  read(parts: readonly StoredBody[], range: BodyRange, sink: BodySink, signal: AbortSignal): Promise<void>;

  /**
   * The bytes of a small range that can be had without waiting, every byte verified; null: use `read`. To be called in the same turn
   * of the event loop as the look at the view that named `parts`.
   */
  readNow(parts: readonly StoredBody[], range: BodyRange): BytesAtHand | null;

  /**
   * Writes a range of what is stored anew, in chunks of its own. Rejects as `read` and `write` do. A copy that waits for memory
   * holds none.
   */
  copy(original: BodyOriginal, owner: BodyOwner, signal: AbortSignal): Promise<WrittenBody>;

  /** Frees the shards of bodies that no record names (definite failure of their commit). Best effort; never rejects. */
  discard(bodies: readonly WrittenBody[]): Promise<void>;
}

/** A body on its way in. Wire framing, signatures and digests are checked inside: pull throws S3Error. */
export interface BodySource {
  /** Bytes to come, or null when the client does not say. */
  readonly sizeBytes: number | null;
  /** The next slice, valid until the next pull; null at the end, after every digest was found right. */
  pull(): Promise<Buffer | null>;
  /** Has the pull under way, and every later one, reject as of a body that stopped coming. Absent: it never stalls. */
  giveUp?(): void;
}

export interface BodySink {
  /** Resolves when `bytes` may be reused (the socket has taken them) and more is wanted. Rejects when the client is gone. */
  write(bytes: Buffer): Promise<void>;
  /** As `write` of one piece after the other, where one call for all of them costs less. */
  writeTogether?(pieces: readonly Buffer[]): Promise<void>;
}

export interface BodyOwner {
  readonly bucketId: BucketId;
  readonly objectKey: Uint8Array;
  /** Bodies up to this size are returned inline, for the record. */
  readonly inlineBytesMax: number;
}

/** `text`: one char per byte. `bytes` are the reader's until `release`, which is called once, when nobody looks at them any more. */
export type BytesAtHand =
  | { readonly kind: "text"; readonly latin1: string }
  | { readonly kind: "bytes"; readonly bytes: Buffer; release(): void };

/** What a copy is made of: bytes of the concatenated `parts`. */
export interface BodyOriginal {
  readonly parts: readonly StoredBody[];
  readonly range: BodyRange;
  /** Sees every slice, in order, before it is written; it is the copy's again when this returns. */
  readonly watch: (bytes: Buffer) => void;
}

/** Where a body is: in the record, on drives, or nowhere (empty). */
export type StoredBody =
  | { readonly kind: "inline"; readonly bytes: Uint8Array; readonly sizeBytes: number }
  | { readonly kind: "chunks"; readonly place: BodyPlaceInput; readonly sizeBytes: number };

export type WrittenBody = StoredBody & {
  /** The session whose name the chunks' headers carry: the record must be committed under it. */
  readonly session: SessionId;
  /** MD5 of the body (16 bytes), or null when the server runs with --etag fast. */
  readonly md5: Buffer | null;
  /** To be put under `repair / id` in the record's own transaction: chunks short of shards or on substitutes. */
  readonly repair: RepairRecordInput | null;
};

export interface BodyRange {
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}
