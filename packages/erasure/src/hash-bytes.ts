import type { Kernel } from "./kernel.ts";
import type { Seed } from "./seed.ts";

/** The long form of XXH3 takes whole pieces of this size, and the end of the input apart. */
const pieceSizeBytes = 1024;
const stripeSizeBytes = 64;

/** XXH3-64 of any bytes: in place when they lie in the kernel's memory, else through its staging area. */
export function hashBytes(kernel: Kernel, bytes: Uint8Array, seed: Seed): bigint {
  const { lo, hi } = seed;
  const { staging, stagingAt, call } = kernel;
  if (bytes.buffer === kernel.memory.buffer) return unsigned(call.hash(bytes.byteOffset, bytes.byteLength, lo, hi));
  if (bytes.byteLength > staging.byteLength) return hashInPieces(kernel, bytes, seed);
  staging.set(bytes);
  return unsigned(call.hash(stagingAt, bytes.byteLength, lo, hi));
}

function hashInPieces({ staging, stagingAt, call }: Kernel, bytes: Uint8Array, { lo, hi }: Seed): bigint {
  const { byteLength } = bytes;
  const absorbed = Math.floor((byteLength - 1) / pieceSizeBytes) * pieceSizeBytes;
  call.hashBegin(lo, hi);
  for (let done = 0; done < absorbed; done += staging.byteLength) {
    const length = Math.min(absorbed - done, staging.byteLength);
    staging.set(bytes.subarray(done, done + length));
    call.hashAbsorb(stagingAt, length);
  }
  // The hash ends with the input's last 64 bytes, which may begin before what is left.
  staging.set(bytes.subarray(absorbed - stripeSizeBytes));
  const total = { lo: byteLength % 2 ** 32, hi: Math.floor(byteLength / 2 ** 32) };
  return unsigned(call.hashFinish(stagingAt + stripeSizeBytes, byteLength - absorbed, total.lo, total.hi));
}

function unsigned(value: bigint): bigint {
  return BigInt.asUintN(64, value);
}
