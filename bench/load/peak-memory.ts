import { readFileSync } from "node:fs";
import { processTree } from "./cpu.ts";

const intervalMs = 25;

export interface PeakMemory {
  /** Bytes of RssAnon and RssShmem together, of the whole tree at its largest moment so far. */
  readonly peakBytes: number;
  stop(): void;
}

/** Samples what a process and its descendants hold that is no file. */
export function watchMemory(pid: number): PeakMemory {
  let peakBytes = 0;
  const sample = (): void => {
    peakBytes = Math.max(
      peakBytes,
      processTree(pid).reduce((sum, member) => sum + heldBytes(member), 0),
    );
  };
  const timer = setInterval(sample, intervalMs);
  return {
    get peakBytes() {
      return peakBytes;
    },
    stop: () => clearInterval(timer),
  };
}

function heldBytes(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "latin1");
    const kib = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1] ?? 0);
    return (kib("RssAnon") + kib("RssShmem")) * 1024;
  } catch {
    // It ended in between.
    return 0;
  }
}
