import type { Random } from "@kakera/kernel";
import type { WritableView } from "@kakera/metadata";
import type { ShardDrive } from "@kakera/rpc";
import type { FolderAccess } from "../compose/folder-access.ts";

/** What a recovery does with the machine. */
export interface RecoveryTools {
  readonly random: Random;
  access(folderCount: number): FolderAccess;
  /** A view in a temporary file, which goes when it is closed. */
  openView(): WritableView;
  /** A drive whose shards are only looked at. Rejects with DiskError or ClusterFailure. */
  openDrive(access: FolderAccess, place: string): Promise<ReadableDrive>;
}

export type ReadableDrive = Pick<ShardDrive, "inventory" | "driveId"> & { close(): Promise<void> };
