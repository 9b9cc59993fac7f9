import { alignedBuffer, KIB } from "@kakera/kernel";

/** A buffer lent to several members; it goes back to the pool when the last has released it. */
export interface LentBuffer {
  readonly bytes: Buffer;
  /** One more holder. */
  retain(): void;
  /** `isSafe` false: a call that failed may still be using it, so it is never lent again. */
  release(isSafe: boolean): void;
}

const sizeClassBytesMin = 64 * KIB;
const pooledPerClassMax = 4;

/** Buffers of a few sizes, such as O_DIRECT takes, kept for reuse: a fresh one for each batch would cost more than writing it. */
export class BatchBuffers {
  readonly #pools = new Map<number, Buffer[]>();

  /** `sizeBytes` exactly, for `holders` releases. The content is whatever it was. */
  lend(sizeBytes: number, holders: number): LentBuffer {
    let classBytes = sizeClassBytesMin;
    while (classBytes < sizeBytes) classBytes *= 2;
    const pool = this.#pools.get(classBytes) ?? [];
    this.#pools.set(classBytes, pool);
    const buffer = pool.pop() ?? alignedBuffer(classBytes);
    let [left, isReusable] = [holders, true];
    return {
      bytes: buffer.subarray(0, sizeBytes),
      retain: () => void left++,
      release(isSafe) {
        isReusable &&= isSafe;
        if (--left === 0 && isReusable && pool.length < pooledPerClassMax) pool.push(buffer);
      },
    };
  }
}
