import { ClusterFailure } from "@kakera/kernel";
import type { DriveStatus, InventoryPage, ShardDescription, ShardDrive, ShardRef } from "@kakera/rpc";
import type { Drive } from "@kakera/storage-node";

/** A real drive behind a switch: away, it answers as a folder that is not there. */
export interface SwitchedDrive extends ShardDrive {
  readonly drive: Drive;
  isAway: boolean;
  // Properties, so that a test can put its own in their place and call these.
  inventory: (page: InventoryPage) => Promise<ShardDescription[]>;
  remove: (refs: readonly ShardRef[]) => Promise<void>;
  /** Called before each removal of shards, with how many. */
  onRemove: (count: number) => void;
}

export function switchedDrive(drive: Drive): SwitchedDrive {
  const check = (): void => {
    if (switched.isAway) throw new ClusterFailure("retry", "the drive is not there", { reason: "DRIVE_OFFLINE" });
  };
  const switched: SwitchedDrive = {
    driveId: drive.driveId,
    drive,
    isAway: false,
    onRemove: () => {},
    put: async (shard) => (check(), drive.put(shard)),
    begin: async (identity, purpose) => (check(), drive.begin(identity, purpose)),
    read: async (ref, window, into) => (check(), drive.read(ref, window, into)),
    describe: async (ref) => (check(), drive.describe(ref)),
    remove: async (refs) => {
      check();
      switched.onRemove(refs.length);
      return drive.remove(refs);
    },
    sealGroup: async (group, epoch) => (check(), drive.sealGroup(group, epoch)),
    sealedEpoch: async (group) => (check(), drive.sealedEpoch(group)),
    removeAtEpoch: async (refs, epoch) => {
      check();
      switched.onRemove(refs.length);
      return drive.removeAtEpoch(refs, epoch);
    },
    inventory: async (page) => (check(), drive.inventory(page)),
    status: (): DriveStatus =>
      switched.isAway ? { ...drive.status(), condition: "offline", reason: "DRIVE_OFFLINE" } : drive.status(),
  };
  return switched;
}
