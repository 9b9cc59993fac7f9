import type { Counter, Gauge, Meter } from "@kakera/kernel";

/** This package's instruments. The first three are named by contract.md section 8. */
export interface MaintenanceMetrics {
  readonly censusChunks: Gauge;
  readonly censusProof: Gauge;
  readonly repairBytes: Counter;
  readonly repairedAt: Gauge;
  readonly orphanShards: Counter;
  readonly garbageShards: Counter;
  readonly scrubBytes: Counter;
  readonly damagedShards: Counter;
  readonly movedBytes: Counter;
}

export function createMaintenanceMetrics(meter: Meter): MaintenanceMetrics {
  return {
    censusChunks: meter.gauge({
      name: "kakera_census_chunks",
      help: "Chunks by the number of shards that they lack.",
      labels: ["missing"],
    }),
    censusProof: meter.gauge({
      name: "kakera_census_proof_timestamp_seconds",
      help: "When the last whole count of all chunks ended; absent before the first.",
    }),
    repairBytes: meter.counter({ name: "kakera_repair_bytes_total", help: "Bytes of shards made anew." }),
    repairedAt: meter.gauge({
      name: "kakera_repair_last_activity_timestamp_seconds",
      help: "When a shard was last made anew here; absent until then.",
    }),
    orphanShards: meter.counter({
      name: "kakera_orphan_shards_removed_total",
      help: "Shards removed that no record names.",
    }),
    garbageShards: meter.counter({
      name: "kakera_garbage_shards_removed_total",
      help: "Shards removed of records that were dropped.",
    }),
    scrubBytes: meter.counter({
      name: "kakera_scrub_bytes_total",
      help: "Bytes of shards read and verified by the scrub.",
    }),
    damagedShards: meter.counter({
      name: "kakera_damaged_shards_total",
      help: "Damaged shards found by readers and by the scrub.",
    }),
    movedBytes: meter.counter({ name: "kakera_moved_bytes_total", help: "Bytes of shards copied to new homes." }),
  };
}
