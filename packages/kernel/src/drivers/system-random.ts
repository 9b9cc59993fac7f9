import { randomFillSync } from "node:crypto";
import type { Random } from "../ports/random.ts";

const poolSizeBytes = 8192;

/** The kernel's randomness, drawn in blocks: a call to it for each 16-byte id would cost more than the id. */
export function createSystemRandom(): Random {
  let pool = Buffer.alloc(0);
  let usedBytes = 0;
  const take = (count: number): Uint8Array => {
    if (count > poolSizeBytes / 4) return randomFillSync(new Uint8Array(count));
    if (usedBytes + count > pool.byteLength) {
      pool = randomFillSync(Buffer.alloc(poolSizeBytes));
      usedBytes = 0;
    }
    usedBytes += count;
    return pool.subarray(usedBytes - count, usedBytes);
  };
  return {
    bytes: take,
    fraction: () => Buffer.from(take(6)).readUIntBE(0, 6) / 2 ** 48,
  };
}
