import { assert } from "@kakera/kernel";
import * as layout from "../assembly/region-layout.ts";

/** What the WebAssembly module offers. Addresses and sizes are byte counts below 4 GiB; all of it works in one region. */
interface KernelExports {
  prepare(region: number): void;
  multiply(k: number, rows: number, size: number): void;
  agrees(k: number, rows: number, size: number): number;
  copy(to: number, from: number, size: number): void;
  hashBlocks(at: number, length: number, seedLow: number, seedHigh: number): void;
  hash(at: number, length: number, seedLow: number, seedHigh: number): bigint;
  hashBegin(seedLow: number, seedHigh: number): void;
  hashAbsorb(at: number, length: number): void;
  hashFinish(at: number, length: number, totalLow: number, totalHigh: number): bigint;
  md5One(blocks: number): void;
  md5Four(blocks: number): void;
  md5Eight(blocks: number): void;
}

/** The kernel at work in one memory, with views of the parts of its region that are filled and read from here. */
export interface Kernel {
  readonly memory: WebAssembly.Memory;
  readonly sizeBytes: number;
  readonly call: KernelExports;
  readonly coefficients: Uint8Array;
  readonly inputs: Uint32Array;
  readonly outputs: Uint32Array;
  readonly digests: Buffer;
  readonly staging: Buffer;
  readonly stagingAt: number;
  readonly regionAt: number;
}

export const kernelRegionSizeBytes = layout.regionSizeBytes;
export const digestBlocksMax = layout.digestBlocksMax;

/** Starts the kernel in the 64 KiB region at `regionAt`, which nothing else may touch. */
export function startKernel(module: WebAssembly.Module, memory: WebAssembly.Memory, regionAt: number): Kernel {
  const { buffer } = memory;
  assert(
    regionAt % 16 === 0 && regionAt + layout.regionSizeBytes <= buffer.byteLength,
    "the region lies in the memory",
  );
  const call = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as KernelExports;
  call.prepare(regionAt);
  return {
    memory,
    sizeBytes: buffer.byteLength,
    call,
    coefficients: new Uint8Array(buffer, regionAt + layout.coefficientsAt, 256),
    inputs: new Uint32Array(buffer, regionAt + layout.inputsAt, 32),
    outputs: new Uint32Array(buffer, regionAt + layout.outputsAt, 32),
    digests: Buffer.from(buffer, regionAt + layout.digestsAt, layout.digestBlocksMax * 8),
    staging: Buffer.from(buffer, regionAt + layout.stagingAt, layout.stagingSizeBytes),
    stagingAt: regionAt + layout.stagingAt,
    regionAt,
  };
}

/** Asserts that the range lies in the memory and outside the kernel's own region. */
export function checkRange(kernel: Kernel, offsetBytes: number, lengthBytes: number): void {
  const endBytes = offsetBytes + lengthBytes;
  assert(
    Number.isInteger(offsetBytes) &&
      Number.isInteger(lengthBytes) &&
      lengthBytes >= 0 &&
      offsetBytes >= 0 &&
      endBytes <= kernel.sizeBytes,
    "the range lies in the shared memory",
  );
  assert(
    endBytes <= kernel.regionAt || offsetBytes >= kernel.regionAt + layout.regionSizeBytes,
    "the codec's own region is left alone",
  );
}
