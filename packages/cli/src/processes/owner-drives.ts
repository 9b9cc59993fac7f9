import type { DriveId } from "@kakera/kernel";
import type { DriveStatus, NodeClient, ShardDrive } from "@kakera/rpc";

/**
 * The drives in reach of the owner, as a sibling has them: called through the owner's node service, judged by what the owner last said
 * of them. That the owner itself is slow to answer is no finding against a drive.
 */
export class OwnerDrives {
  readonly drives = new Map<DriveId, ShardDrive>();
  readonly #client: NodeClient;
  readonly #statuses = new Map<DriveId, DriveStatus>();

  constructor(client: NodeClient) {
    this.#client = client;
  }

  told(statuses: readonly DriveStatus[]): void {
    this.#statuses.clear();
    for (const status of statuses) this.#statuses.set(status.driveId, status);
    for (const driveId of this.drives.keys()) if (!this.#statuses.has(driveId)) this.drives.delete(driveId);
    for (const { driveId } of statuses)
      if (!this.drives.has(driveId)) this.drives.set(driveId, this.#reach(driveId, this.#client.drive(driveId)));
  }

  #reach(driveId: DriveId, remote: ShardDrive): ShardDrive {
    return {
      driveId,
      put: (shard) => remote.put(shard),
      begin: (identity, purpose) => remote.begin(identity, purpose),
      read: (ref, window, into) => remote.read(ref, window, into),
      describe: (ref) => remote.describe(ref),
      remove: (refs) => remote.remove(refs),
      inventory: (page) => remote.inventory(page),
      sealGroup: (group, epoch) => remote.sealGroup(group, epoch),
      sealedEpoch: (group) => remote.sealedEpoch(group),
      removeAtEpoch: (refs, epoch) => remote.removeAtEpoch(refs, epoch),
      status: () => this.#statuses.get(driveId) ?? remote.status(),
    };
  }
}
