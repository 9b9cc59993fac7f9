import { DiskError, type Disk, type DriveId } from "@kakera/kernel";
import type { ScrubPosition, ScrubPositions } from "@kakera/maintenance";
import type { DriveBay } from "./drive-bay.ts";

/** Beside the drive's index; the folder is never made here, as its drive may be gone. */
const path = ".kakera/state/scrub";
const unfinishedPath = `${path}.new`;
const fileBytesMax = 4096;

/** Positions of the scrub, each on the drive that it is of. Derived and best effort: not synced, and a lost one costs a pass. */
export function createScrubPositions(bay: DriveBay): ScrubPositions {
  const diskOf = (driveId: DriveId): Disk | null => {
    const slot = bay.slots.find(({ state }) => state.kind === "open" && state.driveId === driveId);
    return slot?.state.kind === "open" ? slot.state.disk : null;
  };
  return {
    async load(driveId) {
      const disk = diskOf(driveId);
      return disk === null ? null : ignoreDisk(() => read(disk), null);
    },
    async save(driveId, position) {
      const disk = diskOf(driveId);
      if (disk !== null) await ignoreDisk(() => write(disk, position), undefined);
    },
  };
}

async function read(disk: Disk): Promise<ScrubPosition | null> {
  if ((await disk.stat(path)) === null) return null;
  const file = await disk.open(path, { access: "read" });
  try {
    const bytes = Buffer.alloc(Math.min(await file.sizeBytes(), fileBytesMax));
    await file.read(bytes, 0);
    return parse(bytes.toString("utf8"));
  } finally {
    await file.close();
  }
}

/** null: torn by a power cut. */
function parse(text: string): ScrubPosition | null {
  try {
    return JSON.parse(text) as ScrubPosition;
  } catch {
    return null;
  }
}

async function write(disk: Disk, { after, startedMs, endedMs }: ScrubPosition): Promise<void> {
  const ref =
    after === null
      ? null
      : { group: after.group, dataId: after.dataId, chunkIndex: after.chunkIndex, shardIndex: after.shardIndex };
  if ((await disk.stat(unfinishedPath)) !== null) await disk.unlink(unfinishedPath);
  const file = await disk.open(unfinishedPath, { access: "create" });
  try {
    await file.write(Buffer.from(JSON.stringify({ after: ref, startedMs, endedMs })), 0);
  } finally {
    await file.close();
  }
  await disk.rename(unfinishedPath, path);
}

async function ignoreDisk<T>(work: () => Promise<T>, otherwise: T): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof DiskError) return otherwise;
    throw error;
  }
}
