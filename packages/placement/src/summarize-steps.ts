import type { DriveId } from "@kakera/kernel";
import type { PlacementStep } from "./diff-tables.ts";

export interface DriveTraffic {
  readonly inBytes: number;
  /** Copied from it; what others read of it to rebuild shards is not counted. */
  readonly outBytes: number;
}

export interface StepsSummary {
  readonly groupCount: number;
  /** Shards that are copied from their former home. */
  readonly movedBytes: number;
  /** Shards that are made again from k others. */
  readonly rebuiltBytes: number;
  /** Homes that become vacant: nothing is written for them, and what their drive holds is given up. */
  readonly vacatedCount: number;
  /** Drives that take or give any, in order of the steps. */
  readonly drives: ReadonlyMap<DriveId, DriveTraffic>;
}

/** What steps cost. `shardBytesOf`: bytes that one home of a group holds: those of its bodies over k, if none is small. */
export function summarizeSteps(steps: readonly PlacementStep[], shardBytesOf: (group: number) => number): StepsSummary {
  let movedBytes = 0;
  let rebuiltBytes = 0;
  let vacatedCount = 0;
  const drives = new Map<DriveId, DriveTraffic>();
  const count = (driveId: DriveId, { inBytes, outBytes }: DriveTraffic): void => {
    const known = drives.get(driveId) ?? { inBytes: 0, outBytes: 0 };
    drives.set(driveId, { inBytes: known.inBytes + inBytes, outBytes: known.outBytes + outBytes });
  };
  for (const { group, moved } of steps) {
    const shardBytes = shardBytesOf(group);
    for (const { from, to } of moved) {
      if (to === null) {
        vacatedCount += 1;
        continue;
      }
      count(to, { inBytes: shardBytes, outBytes: 0 });
      if (from === null) {
        rebuiltBytes += shardBytes;
        continue;
      }
      movedBytes += shardBytes;
      count(from, { inBytes: 0, outBytes: shardBytes });
    }
  }
  return { groupCount: steps.length, movedBytes, rebuiltBytes, vacatedCount, drives };
}
