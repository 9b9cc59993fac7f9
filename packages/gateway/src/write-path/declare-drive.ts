import { ClusterFailure, newId, type Clock, type DriveId, type Logger, type Random } from "@kakera/kernel";
import { declareDrive, type CommitLog } from "@kakera/metadata";

/** Says in the log that a drive may be left out, so that all writes share one finding instead of each waiting for it. */
export interface DriveDeclarer {
  /** Resolves when the log has it. Rejects with ClusterFailure `retry` when that cannot be. */
  declare(driveId: DriveId, standing: "SUSPECT" | "DOWN"): Promise<void>;
}

/** Another change may touch the same drive's record at the same moment, and again. */
const attemptsMax = 8;

export function createDriveDeclarer(parts: {
  readonly log: CommitLog;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}): DriveDeclarer {
  const underWay = new Map<DriveId, Promise<void>>();
  const declareOnce = async (driveId: DriveId, standing: "SUSPECT" | "DOWN"): Promise<void> => {
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      const change = declareDrive(parts.log.view, driveId, {
        standing,
        nowMs: parts.clock.nowMs(),
        changeId: newId("change", parts.random),
      });
      if (change === null) return;
      const result = await parts.log.commit(change);
      if (result.outcome !== "committed") continue;
      parts.logger.log("warn", "drive.declared", { driveId, standing });
      return;
    }
    throw new ClusterFailure("retry", "a drive's standing changes too often", { reason: "DRIVE_SLOW" });
  };
  return {
    declare(driveId, standing) {
      const known = underWay.get(driveId);
      if (known !== undefined) return known;
      const declaring = declareOnce(driveId, standing).finally(() => underWay.delete(driveId));
      underWay.set(driveId, declaring);
      return declaring;
    },
  };
}
