import { ClusterFailure, type DriveId, type ReasonCode } from "@kakera/kernel";
import type { ShardDrive } from "@kakera/rpc";

/** A drive that is known and not there: every call says so. */
export function absentDrive(facts: {
  readonly driveId: DriveId;
  readonly place: string;
  readonly reason: ReasonCode;
}): ShardDrive {
  const refuse = (): Promise<never> =>
    Promise.reject(new ClusterFailure("retry", `the drive of ${facts.place} is not there`, { reason: facts.reason }));
  return {
    driveId: facts.driveId,
    put: refuse,
    begin: refuse,
    read: refuse,
    describe: refuse,
    remove: refuse,
    sealGroup: refuse,
    sealedEpoch: refuse,
    removeAtEpoch: refuse,
    inventory: refuse,
    status: () => ({ ...facts, condition: "offline", freeBytes: 0, totalBytes: 0, shardCount: 0, garbageBytes: 0 }),
  };
}
