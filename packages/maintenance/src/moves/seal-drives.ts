import { ClusterFailure, type DriveId } from "@kakera/kernel";
import { answeringDrive, type MaintenanceParts } from "../maintenance-parts.ts";

/**
 * Seals a group at an epoch on drives: from then on they refuse what was planned under an older one (correctness.md F6). Returns those
 * that are sealed at exactly this epoch; the others do not answer, or know of a newer one.
 */
export async function sealDrives(
  parts: Pick<MaintenanceParts, "drives">,
  { group, epoch }: { readonly group: number; readonly epoch: number },
  driveIds: Iterable<DriveId>,
): Promise<ReadonlySet<DriveId>> {
  const sealed = new Set<DriveId>();
  const seals = [...new Set(driveIds)].map(async (driveId) => {
    if (await isSealed(parts, driveId, { group, epoch })) sealed.add(driveId);
  });
  await Promise.all(seals);
  return sealed;
}

async function isSealed(
  parts: Pick<MaintenanceParts, "drives">,
  driveId: DriveId,
  { group, epoch }: { readonly group: number; readonly epoch: number },
): Promise<boolean> {
  const drive = answeringDrive(parts, driveId);
  if (drive === null) return false;
  try {
    const known = await drive.sealedEpoch(group);
    if (known !== null && known >= epoch) return known === epoch;
    await drive.sealGroup(group, epoch);
    return true;
  } catch (failure) {
    if (!(failure instanceof ClusterFailure)) throw failure;
    return false;
  }
}
