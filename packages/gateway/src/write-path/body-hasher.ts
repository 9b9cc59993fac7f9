import { createHash } from "node:crypto";

/** MD5 of a body as it arrives, for its ETag. Drivers: in this thread, or in a worker over the shared memory. */
export interface BodyHasher {
  /**
   * Takes the next bytes, which lie in the shared memory unless the body stays inline. null: done; a promise: the bytes
   * must stay as they are until it settles. Calls come in order and are not waited for.
   */
  update(bytes: Buffer): Promise<void> | null;
  /** 16 bytes, after everything before was taken; null: no MD5 is kept. */
  digest(): Promise<Buffer | null>;
}

/** The largest single cost of a big PUT (0.6 GB/s): a worker may do it instead. */
export function createInlineMd5(): BodyHasher {
  const hash = createHash("md5");
  return {
    update(bytes) {
      hash.update(bytes);
      return null;
    },
    digest: () => Promise.resolve(hash.digest()),
  };
}

/** For `--etag fast`. */
export function createNoMd5(): BodyHasher {
  return { update: () => null, digest: () => Promise.resolve(null) };
}
