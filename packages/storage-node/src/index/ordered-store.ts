/**
 * What the index needs of a store: ordered raw keys and values, and changes that are seen all or not at all. Derived data:
 * nothing here need survive a power cut, and the guard (drivers/index-guard.ts) decides whether it did.
 */
export interface OrderedStore {
  /** A view that lives until the next call: decode it at once. */
  get(key: Buffer): Buffer | undefined;
  /** The caller's to keep. Pairs from `from` (inclusive) to `until` (exclusive), in order of the keys' bytes, at most `limit`. */
  range(from: Buffer, until: Buffer, limit: number): [Buffer, Buffer][];
  /** Runs `work` in one transaction, synchronously; what it throws undoes it. Throws DiskError when the store cannot write. */
  transact(work: (change: StoreChange) => void): void;
  /** What was changed is on the disk when this resolves. Ends the use of the store. */
  close(): Promise<void>;
}

export interface StoreChange {
  /** Sees the changes made before it in the same transaction. Lives until the next call. */
  get(key: Buffer): Buffer | undefined;
  put(key: Buffer, value: Buffer): void;
  delete(key: Buffer): void;
}
