import type { CensusReport, RepairReport } from "./status-report.ts";

/** What the maintenance loops know, for status and conditions. */
export interface UpkeepSource {
  census(): CensusReport;
  repair(): RepairReport;
  /** When the last pass over every shard ended; null: none did since the start. */
  scrubbedMs(): number | null;
  /** Damaged shards found since the start. */
  bitrotFoundCount(): number;
}
