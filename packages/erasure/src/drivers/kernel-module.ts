import { readFileSync } from "node:fs";
import { AssertionFailure } from "@kakera/kernel";

let compiled: WebAssembly.Module | null = null;

/** build/kernel.wasm, compiled once a thread. Throws AssertionFailure when it was not built. */
export function kernelModule(): WebAssembly.Module {
  compiled ??= new WebAssembly.Module(readKernel());
  return compiled;
}

function readKernel(): Buffer<ArrayBuffer> {
  const path = new URL("../../build/kernel.wasm", import.meta.url);
  try {
    return readFileSync(path);
  } catch (cause) {
    throw Object.assign(new AssertionFailure("the codec is built: node packages/erasure/build.ts"), { cause });
  }
}
