import type { MaintenanceMetrics } from "../metrics.ts";

/** What the last whole count found. */
export interface CensusReport {
  readonly startedMs: number | null;
  /** When it ended: everything it says was so at some moment since it started. null: none did since the start. */
  readonly provenMs: number | null;
  readonly chunkCount: number;
  /** Chunks by the number of shards that they lack: [0] = complete. */
  readonly chunksByMissing: readonly number[];
  /** Chunks with fewer than k shards. */
  readonly lostCount: number;
}

export const noCensus: CensusReport = {
  startedMs: null,
  provenMs: null,
  chunkCount: 0,
  chunksByMissing: [],
  lostCount: 0,
};

/** The count as it grows. */
export class CensusTally {
  readonly #byMissing: number[] = [0];
  #chunkCount = 0;
  #lostCount = 0;

  add({ missing, isLost }: { readonly missing: number; readonly isLost: boolean }): void {
    this.#chunkCount++;
    if (isLost) this.#lostCount++;
    while (this.#byMissing.length <= missing) this.#byMissing.push(0);
    this.#byMissing[missing]! += 1;
  }

  report(times: { readonly startedMs: number; readonly provenMs: number }): CensusReport {
    return {
      ...times,
      chunkCount: this.#chunkCount,
      chunksByMissing: [...this.#byMissing],
      lostCount: this.#lostCount,
    };
  }
}

/** `before`: labels that it had and the new one has not are set to zero. */
export function publishCensus(metrics: MaintenanceMetrics, report: CensusReport, before: CensusReport): void {
  const count = Math.max(report.chunksByMissing.length, before.chunksByMissing.length);
  for (let missing = 0; missing < count; missing++) {
    metrics.censusChunks.set(report.chunksByMissing[missing] ?? 0, { missing: String(missing) });
  }
  if (report.provenMs !== null) metrics.censusProof.set(report.provenMs / 1000);
}
