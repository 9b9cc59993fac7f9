/** MD5 of a body as it arrives, for its ETag. */
export interface BodyHasher {
  /**
   * Takes the next bytes, which lie in the shared memory unless the body stays inline. null: done; a promise: the bytes
   * must stay as they are until it settles, which may be long: until `hasten`, `digest` or `end`. Calls come in order and are
   * not waited for.
   */
  update(bytes: Buffer): Promise<void> | null;
  /** Somebody waits for what `update` returned. */
  hasten(): void;
  /** 16 bytes, after everything before was taken; null: no MD5 is kept. Never rejects. */
  digest(): Promise<Buffer | null>;
  /** The body is done with, or given up: no bytes of it are looked at any more. */
  end(): void;
}

/** For `--etag fast`. */
export function createNoMd5(): BodyHasher {
  return { update: () => null, hasten: () => {}, digest: () => Promise.resolve(null), end: () => {} };
}
