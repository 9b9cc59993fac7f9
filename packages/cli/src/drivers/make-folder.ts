import { mkdir, open, stat } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Makes a folder and those above it; one that is there is left as it is. Resolves when they survive a power cut, for which the folder
 * above each has to be synced: also above one that is there, as a start may have died between making it and that. Each was synced before the next
 * was made, so that no more than one is in doubt. Level by level: node's own recursive mkdir goes on for ever where the kernel answers
 * ENOENT to a mkdir whose parent is there (/proc, some network file systems).
 * Rejects with the errors of mkdir(2), EEXIST where something else is in the way.
 */
export async function makeFolder(path: string): Promise<void> {
  const above = dirname(path);
  if (await isFolder(path)) return syncWhereItMay(above);
  if (above !== path) await makeFolder(above);
  try {
    await mkdir(path);
  } catch (error) {
    // Somebody else makes it, and syncs it, at the same time.
    if ((error as NodeJS.ErrnoException).code !== "EEXIST" || !(await isFolder(path))) throw error;
  }
  await syncFolder(above);
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return false;
    throw error;
  }
}

/** What lies above a folder that was given to us need not be ours to open, nor of a kind that can be synced. */
async function syncWhereItMay(path: string): Promise<void> {
  try {
    await syncFolder(path);
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (!["EACCES", "EPERM", "EINVAL", "ENOTSUP", "EROFS"].includes(code)) throw error;
  }
}

/** Of the names in a folder: they are there after a power cut only when it was synced. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
