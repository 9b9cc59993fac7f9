import type { Clock } from "@kakera/kernel";
import type { Codec } from "@kakera/erasure";
import type { ClusterMap, CommitLog } from "@kakera/metadata";
import type { RepairQueue } from "@kakera/rpc";
import type { Drives } from "../write-path/choose-homes.ts";
import type { DrivePace } from "./drive-pace.ts";
import type { HedgeBudget } from "./hedge-budget.ts";
import type { ReadLatency } from "./read-latency.ts";
import type { ReadSettings } from "./read-settings.ts";

/** What the fetch of a window works with. */
export interface FetchParts {
  readonly log: CommitLog;
  readonly map: ClusterMap;
  readonly drives: Drives;
  readonly codec: Codec;
  readonly clock: Clock;
  readonly hedges: HedgeBudget;
  readonly latency: ReadLatency;
  readonly pace: DrivePace;
  readonly repairQueue: RepairQueue;
  readonly settings: ReadSettings;
  /** Called with the number of extra reads of each race. */
  readonly onHedge: (extraReads: number) => void;
}
