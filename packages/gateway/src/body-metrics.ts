import type { Counter, Meter } from "@kakera/kernel";

/** The data path's instruments (contract.md section 8). */
export interface BodyMetrics {
  readonly hedgedReads: Counter;
  readonly writesWithoutSpare: Counter;
}

export function createBodyMetrics(meter: Meter): BodyMetrics {
  return {
    hedgedReads: meter.counter({
      name: "kakera_hedged_reads_total",
      help: "Shard reads made because another was slow.",
    }),
    writesWithoutSpare: meter.counter({
      name: "kakera_writes_without_spare_total",
      help: "Chunks acknowledged with so few shards that the loss of one more failure domain would lose them.",
    }),
  };
}
