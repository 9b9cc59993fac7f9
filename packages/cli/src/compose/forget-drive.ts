import type { DriveId } from "@kakera/kernel";
import { readClusterMap } from "@kakera/metadata";
import { commitDriveChange, forgetOwnDrive, refused, type DriveChangeComponents } from "./change-drives.ts";

/** `kakera drive forget ID`: the operator's word that a drive, of this machine or of another node, is gone for good. */
export function forgetDrive(components: DriveChangeComponents, driveId: DriveId): Promise<void> {
  const isOwn = components.formation().drives.includes(driveId);
  return isOwn ? forgetOwnDrive(components, driveId) : forgetElsewhere(components, driveId);
}

/**
 * Of another node's drive, which went with its machine or its device. As long as a node that lives says that it has the
 * drive open, it is not lost. Where other drives are free, they take its work.
 */
async function forgetElsewhere(components: DriveChangeComponents, driveId: DriveId): Promise<void> {
  const { log, logger, nodes } = components;
  await log.barrier();
  const live = await nodes();
  const known = live === null ? null : readClusterMap(log.view).drive(driveId);
  if (live === null || known === null || known.standing === "GONE")
    throw refused(`there is no drive ${driveId}`, "kakera drive ls");
  for (const { host, drives } of live)
    if (drives.some((drive) => drive.driveId === driveId))
      throw refused(`node ${host} has drive ${driveId} open: it is not lost`, `kakera plan remove ${driveId}`);
  await commitDriveChange(components, { leaving: driveId, coming: null });
  logger.log("warn", "drive.forgotten", { drive: driveId, host: known.host });
}
