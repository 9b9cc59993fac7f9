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
  for (const folder of [systemFolder, segmentFolder, ownFileFolder, temporaryFolder]) await disk.makeDirectory(folder);
  await disk.syncDirectory(".");
  const identity: DriveIdentity = { ...format, incarnation: 0, formatVersion, witness: null };
  await writeIdentity(disk, identity, failpoints);
  return identity;
}
