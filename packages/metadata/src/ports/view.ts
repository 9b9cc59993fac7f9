import type { BucketId } from "@kakera/kernel";

/** A key of the key space, raw bytes. Ordered bytewise. */
export type Key = Uint8Array;

export interface Entry {
  /** Safe to keep: never a view of a reused buffer. */
  readonly value: Buffer;
  /** Revision of the change that wrote it: what a later change compares. */
  readonly revision: number;
}

/**
 * An ordered copy of the metadata, read synchronously. Derived from the log: it proves nothing by itself.
 * No read spans an `await`: pages are copied (correctness.md F22).
 */
export interface View {
  get(key: Key): Entry | null;

  /**
   * As `get`, calling `read` with a value whose buffer is reused by the next call: for hot paths that decode at once.
   * `read` must not keep the buffer nor wait. null when there is no such key.
   */
  with<T>(key: Key, read: (value: Buffer, revision: number) => T): T | null;

  /** Entries of [from, to) in order, at most `limit`. */
  range(from: Key, to: Key, limit: number): RangeEntry[];

  /**
   * Walks [from, to) in order, synchronously, calling `visit` with a reused value buffer; stops when `visit` returns
   * "stop", or continues from the key it returns ({ seek }), which must be beyond the current one.
   */
  walk(
    from: Key,
    to: Key,
    visit: (key: Buffer, value: Buffer, revision: number) => "next" | "stop" | { seek: Key },
  ): void;

  /** The last entry of [from, to), or null. */
  last(from: Key, to: Key): RangeEntry | null;

  /** Exact, kept with every applied change. */
  usage(bucketId: BucketId): BucketUsage;

  /** Keys in the view. */
  readonly entryCount: number;

  /** Revision of the last batch applied; as long as it is the same, so is every entry. 0 = nothing, or not all of it yet. */
  readonly appliedRevision: number;

  /** Grows with every change of an entry whose key begins with this byte: as long as it is the same, so are these entries. */
  generation(table: number): number;
}

export interface RangeEntry extends Entry {
  readonly key: Buffer;
}

export interface BucketUsage {
  readonly objectCount: number;
  /** Bytes of current objects' bodies. */
  readonly sizeBytes: number;
  readonly uploadCount: number;
  /** Bytes of parts of open uploads. */
  readonly partBytes: number;
}

/** What a log driver needs of a view: apply batches in order. */
export interface WritableView extends View {
  /** Applies one batch atomically. Batches come in order of revision without gaps in the log's own sequence. */
  apply(batch: ViewBatch): void;
  /** Empties it, to be rebuilt. */
  clear(): void;
  /**
   * Loads entries (sorted) of a checkpoint, then the position. A checkpoint may come in several calls: all but the last
   * leave the position null, so that a view half loaded is known as one.
   */
  load(entries: Iterable<RangeEntry>, position: ViewPosition | null): void;
  readonly position: ViewPosition | null;
  /** Those who read it in other processes; absent where there can be none. */
  readonly readers?: ViewReaders;
  /** Everything applied is on the disk when it resolves (where the view is a file). */
  close(): Promise<void>;
}

export interface ViewReaders {
  /** Lets go of what readers that died had pinned; how many there were. */
  clearDead(): number;
  /** What the file takes, and what of it is in use: a reader that stands still keeps what was replaced since. */
  sizes(): { readonly fileBytes: number; readonly liveBytes: number };
}

export interface ViewPosition {
  /** Log identity and the last batch applied: another lineage is told by the batch's checksum. */
  readonly logId: string;
  readonly revision: number;
  readonly term: number;
  readonly sequence: number;
  readonly checksum: string;
}

export interface ViewBatch {
  readonly revision: number;
  readonly position: ViewPosition;
  /** In order; later writes of a batch win. */
  readonly writes: readonly ViewWrite[];
}

export type ViewWrite =
  | { readonly kind: "put"; readonly key: Key; readonly value: Uint8Array; readonly revision: number }
  | { readonly kind: "delete"; readonly key: Key }
  | { readonly kind: "delete-range"; readonly from: Key; readonly to: Key };
