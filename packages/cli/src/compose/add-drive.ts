import { resolve } from "node:path";
import type { DriveId } from "@kakera/kernel";
import { formatInPlace, refused, writeFormation, type DriveChangeComponents } from "./change-drives.ts";
import type { DriveSlot } from "./drive-bay.ts";

/**
 * `kakera drive add DIR`: formats the empty folder, which the command line names beside those of the drives that were there. The drive holds
 * nothing, and no group of the log names it, until a plan gives it its share. Cut short at any moment, the same call goes on; a drive that
 * has an identity and is in no formation yet is nobody's.
 */
export async function addDrive(components: DriveChangeComponents, directory: string): Promise<DriveId> {
  const { bay, logger, failpoints } = components;
  const place = resolve(components.workingDirectory, directory);
  const slot = bay.slots.find((each) => each.place === place);
  if (slot === undefined)
    throw refused(
      `${place} is none of this server's drive folders`,
      "name it on the server's command line after the others, and start it again",
    );
  refuseSeat(components, slot);
  const driveId = await formatInPlace(components, slot);
  await bay.openNew(slot.position, driveId);
  try {
    await components.equip(place);
    failpoints.hit("add-drive.before-formation");
    const formation = components.formation();
    await writeFormation(components, {
      ...formation,
      epoch: formation.epoch + 1,
      drives: [...formation.drives, driveId],
    });
  } catch (error) {
    await bay.abandon(slot.position);
    throw error;
  }
  logger.log("warn", "drive.added", { place, drive: driveId });
  return driveId;
}

/** An empty folder is only new when every drive that was ever here is accounted for: else it may be where one of them was. */
function refuseSeat({ bay, formation }: DriveChangeComponents, slot: DriveSlot): void {
  const { drives } = formation();
  const seats = bay.seats(formation());
  const seated = new Set(seats.values());
  if (drives.includes(null) || drives.includes(seats.get(slot.position) ?? null))
    throw refused(`${slot.place} is the place of a drive that was here before`, `kakera drive replace ${slot.place}`);
  const missing = drives.filter((driveId) => driveId !== null && !seated.has(driveId));
  if (missing.length > 0)
    throw refused(
      `${slot.place} may be where drive ${missing.join(" or ")} was, which no folder is named for`,
      "name its folder too; if it is lost for good: kakera drive forget, then kakera drive replace",
    );
}
