import type { ClusterId, Disk, DriveId, Failpoints } from "@kakera/kernel";
import { ownFileFolder, temporaryFolder } from "../own-file/own-file-name.ts";
import { segmentFolder } from "../segment/segment-header.ts";
import { systemFolder, writeIdentity } from "./identity-file.ts";
import { formatVersion, type DeviceRelation, type DriveIdentity } from "./identity-record.ts";

export interface DriveFormat {
  readonly clusterId: ClusterId;
  readonly driveId: DriveId;
  readonly deviceRelation: DeviceRelation;
}

/**
 * Makes an empty folder a drive. Only where `judgePlace` allowed it: the identity comes last, so that a folder that was
 * half formatted when the process died is still one without identity.
 */
export async function formatDrive(disk: Disk, format: DriveFormat, failpoints?: Failpoints): Promise<DriveIdentity> {
  await makeFolders(disk);
  const identity: DriveIdentity = { ...format, incarnation: 0, formatVersion, witness: null };
  await writeIdentity(disk, identity, failpoints);
  return identity;
}

/** The folders of a drive, durably; those that are there stay as they are. */
export async function makeFolders(disk: Disk): Promise<void> {
  for (const folder of [systemFolder, segmentFolder, ownFileFolder, temporaryFolder]) await disk.makeDirectory(folder);
  await disk.syncDirectory(".");
}
