import type { DriveId } from "@kakera/kernel";
import type { ShardRef } from "./shard-drive.ts";

/** Where readers, scrub and writers say what they found wrong: maintenance mends it. Bounded, and never waits. */
export interface RepairQueue {
  report(finding: ShardFinding): void;
}

export interface ShardFinding {
  readonly ref: ShardRef;
  /** The drive that should have given it. */
  readonly driveId: DriveId;
  readonly why: "damaged" | "missing";
}

export const noRepairQueue: RepairQueue = { report: () => {} };
