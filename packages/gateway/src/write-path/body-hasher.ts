/** MD5 of a body as it arrives, for its ETag. */
export interface BodyHasher {
  /**
   * Takes the next bytes, which lie in the shared memory unless the body stays inline. null: done; a promise: the bytes
   * must stay as they are until it settles. Calls come in order and are not waited for.
   */
  update(bytes: Buffer): Promise<void> | null;
  /** 16 bytes, after everything before was taken; null: no MD5 is kept. Never rejects. */
  digest(): Promise<Buffer | null>;
}

/** For `--etag fast`. */
export function createNoMd5(): BodyHasher {
  return { update: () => null, digest: () => Promise.resolve(null) };
}
