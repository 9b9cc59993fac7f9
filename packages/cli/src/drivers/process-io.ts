import { readFileSync } from "node:fs";
import type { ProcessIo } from "../minio-metrics/show-process.ts";

/** What the kernel has counted of this process' I/O; null where it does not say. */
export function readProcessIo(): ProcessIo | null {
  try {
    const text = readFileSync("/proc/self/io", "utf8");
    const field = (name: string): number => Number(new RegExp(`^${name}: (\\d+)$`, "m").exec(text)?.[1] ?? 0);
    return {
      readBytes: field("rchar"),
      writtenBytes: field("wchar"),
      readCalls: field("syscr"),
      writeCalls: field("syscw"),
      deviceReadBytes: field("read_bytes"),
      deviceWrittenBytes: field("write_bytes"),
    };
  } catch {
    return null; // not Linux, or not allowed
  }
}
