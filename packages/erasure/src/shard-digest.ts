import { kernelModule } from "./drivers/kernel-module.ts";
import { hashBytes } from "./hash-bytes.ts";
import { kernelRegionSizeBytes, startKernel, type Kernel } from "./kernel.ts";

let kernel: Kernel | null = null;

/**
 * 8 bytes that stand for a whole shard: XXH3-64, unseeded, little-endian, over its block checksums. A record's footer holds those
 * of all k+m shards, so that a rebuilt shard is compared before it is written [correctness.md, F23].
 */
export function shardDigest(blockChecksums: Uint8Array): Buffer {
  kernel ??= startKernelAlone();
  const digest = Buffer.allocUnsafe(8);
  digest.writeBigUInt64LE(hashBytes(kernel, blockChecksums, { lo: 0, hi: 0 }));
  return digest;
}

/** With a memory of its own, just the kernel's region: this function is pure and asks its caller for no codec. */
function startKernelAlone(): Kernel {
  const pages = kernelRegionSizeBytes / 65536;
  return startKernel(kernelModule(), new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true }), 0);
}
