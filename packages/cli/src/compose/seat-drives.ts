import type { DriveId } from "@kakera/kernel";

/** A folder of the command line, and the drive that was found in it; null: none. */
export interface SeatedFolder {
  readonly position: number;
  readonly driveId: DriveId | null;
}

/**
 * Which of the formation's drives belongs to which folder, by position of the folder: the one that lies there; for an empty folder
 * the one that was there at the formation, unless it lies in another folder now (the command line may name them in another
 * order). null: it cannot be told. Never two folders for one drive.
 */
export function seatDrives(
  formed: readonly (DriveId | null)[],
  folders: readonly SeatedFolder[],
): Map<number, DriveId | null> {
  const present = new Set(folders.map(({ driveId }) => driveId).filter((driveId) => driveId !== null));
  const missing = new Set(formed.filter((driveId) => driveId !== null && !present.has(driveId)));
  const seats = new Map<number, DriveId | null>();
  for (const { position, driveId } of folders) {
    const first = formed[position - 1] ?? null;
    const isFirst = driveId === null && missing.delete(first);
    seats.set(position, driveId ?? (isFirst ? first : null));
  }
  const unseated = folders.filter(({ position, driveId }) => driveId === null && seats.get(position) === null);
  // One folder and one drive are left over: they belong together.
  const [last] = [...missing];
  if (missing.size === 1 && unseated.length === 1) seats.set((unseated[0] as SeatedFolder).position, last as DriveId);
  return seats;
}
