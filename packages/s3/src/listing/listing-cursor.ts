/**
 * Keys in byte order, as the view holds them; synchronous, because no read transaction lives across an await.
 * A cursor shows a bucket's visible objects only.
 */
export interface ListingCursor<Item> {
  /** Moves to the first key that is not below `key`, and returns it; null when there is none. The buffer is the caller's to keep. */
  seek(key: Buffer): Buffer | null;
  /** Moves to the key behind the last one returned; null when there is none. */
  next(): Buffer | null;
  /** The item of the last key returned. Called only for keys that become contents, never for those behind a common prefix. */
  read(): Item;
}

/** The lowest key above all that begin with `prefix`; null when there is none (all bytes 0xff, or no prefix). */
export function prefixSuccessor(prefix: Buffer): Buffer | null {
  let length = prefix.length;
  while (length > 0 && prefix[length - 1] === 0xff) length--;
  if (length === 0) return null;
  const successor = Buffer.from(prefix.subarray(0, length));
  successor[length - 1]! += 1;
  return successor;
}

/** The lowest key above `key`. */
export function keySuccessor(key: Buffer): Buffer {
  const successor = Buffer.alloc(key.length + 1);
  key.copy(successor);
  return successor;
}

/** Whether `key` begins with `prefix`. */
export function startsWith(key: Buffer, prefix: Buffer): boolean {
  return key.length >= prefix.length && key.compare(prefix, 0, prefix.length, 0, prefix.length) === 0;
}
