import type { LoadResult } from "./run-load.ts";

const units = { B: 1, KIB: 1 << 10, MIB: 1 << 20, GIB: 1 << 30 } as const;

/** "64KiB" -> 65536. Throws on what is no size. */
export function parseSize(text: string): number {
  const match = /^(\d+)(B|KiB|MiB|GiB)?$/i.exec(text.trim());
  if (match === null) throw new Error(`not a size: ${text} (like 64KiB)`);
  return Number(match[1]) * units[(match[2] ?? "B").toUpperCase() as keyof typeof units];
}

export function formatSize(bytes: number): string {
  if (bytes >= 1 << 20 && bytes % (1 << 20) === 0) return `${bytes >> 20}MiB`;
  return bytes >= 1 << 10 && bytes % (1 << 10) === 0 ? `${bytes >> 10}KiB` : `${bytes}B`;
}

export function printTable(results: readonly LoadResult[]): void {
  console.log("operation     size  conc   req/s      MiB/s    p50 ms    p99 ms  cpu us/req  errors  wrong");
  for (const result of results) {
    console.log(
      [
        result.operation.padEnd(9),
        formatSize(result.sizeBytes).padStart(8),
        String(result.concurrency).padStart(5),
        result.requestsPerSecond.toFixed(0).padStart(8),
        result.mebibytesPerSecond.toFixed(1).padStart(10),
        result.p50Ms.toFixed(2).padStart(9),
        result.p99Ms.toFixed(2).padStart(9),
        (result.cpuMicrosecondsPerRequest?.toFixed(0) ?? "-").padStart(11),
        String(result.errorCount).padStart(7),
        String(result.wrongCount).padStart(6),
      ].join(" "),
    );
  }
}
