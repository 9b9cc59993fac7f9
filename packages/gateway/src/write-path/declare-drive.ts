import { ClusterFailure, newId, type Clock, type DriveId, type Logger, type Random } from "@kakera/kernel";
import { declareDrive, suspectDrive, type Change, type CommitLog } from "@kakera/metadata";
import type { Drives } from "./choose-homes.ts";

/**
 * What a writer has against a drive.
 * - `slow`: it answers others perhaps, but this writer in vain: an opinion
 * - `hangs`: a call to it has passed the drive's own deadline and is still out
 * - `away`: it is not there, or takes no writes
 */
export type DriveFinding = "slow" | "hangs" | "away";

/** Says in the log that a drive may be left out, so that all writes share one finding instead of each waiting for it. */
export interface DriveDeclarer {
  /**
   * Resolves when the log has it ("declared"), or refuses to: nobody's opinion leaves a group with fewer than k members
   * ("needed"), as another's about other drives may be just as wrong. Rejects with ClusterFailure `retry` when the log cannot.
   */
  declare(driveId: DriveId, finding: DriveFinding): Promise<"declared" | "needed">;
}

/** Another change may touch the same drives' records at the same moment, and again. */
const attemptsMax = 8;

export function createDriveDeclarer(parts: {
  readonly log: CommitLog;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}): DriveDeclarer {
  const { log, clock, random, logger } = parts;
  const underWay = new Map<DriveId, Promise<"declared" | "needed">>();
  const changeFor = (driveId: DriveId, finding: DriveFinding): Change | "declared" | "needed" => {
    const declaration = { nowMs: clock.nowMs(), changeId: newId("change", random) };
    if (finding === "slow") return suspectDrive(log.view, driveId, declaration);
    const standing = finding === "away" ? "DOWN" : "SUSPECT";
    return declareDrive(log.view, driveId, { ...declaration, standing }) ?? "declared";
  };
  const declareOnce = async (driveId: DriveId, finding: DriveFinding): Promise<"declared" | "needed"> => {
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      const change = changeFor(driveId, finding);
      if (typeof change === "string") return change;
      const result = await log.commit(change);
      if (result.outcome !== "committed") continue;
      logger.log("warn", "drive.declared", { driveId, standing: finding === "away" ? "DOWN" : "SUSPECT", finding });
      return "declared";
    }
    throw new ClusterFailure("retry", "a drive's standing changes too often", { reason: "DRIVE_SLOW" });
  };
  return {
    declare(driveId, finding) {
      const known = underWay.get(driveId);
      if (known !== undefined) return known;
      const declaring = declareOnce(driveId, finding).finally(() => underWay.delete(driveId));
      underWay.set(driveId, declaring);
      return declaring;
    },
  };
}

/** What is to be said of a drive that did not take its shard. */
export function findingOf(drives: Drives, driveId: DriveId): DriveFinding {
  const condition = drives.get(driveId)?.status().condition ?? "offline";
  if (condition === "offline" || condition === "failed") return "away";
  return condition === "suspect" ? "hangs" : "slow";
}
