import { mkdir, open, stat } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Makes a folder and those above it; one that is there is left as it is. Resolves when they survive a power cut, for which the folder
 * above each has to be synced. Level by level, and each at most twice: node's own recursive mkdir goes on for ever where the
 * kernel answers ENOENT to a mkdir whose parent is there (/proc, some network file systems).
 * Rejects with the errors of mkdir(2), EEXIST where something else is in the way.
 */
export async function makeFolder(path: string): Promise<void> {
  const failure = await tryMake(path);
  if (failure === null) return;
  if (failure.code !== "ENOENT" || dirname(path) === path) throw failure;
  await makeFolder(dirname(path));
  const again = await tryMake(path);
  if (again !== null) throw again;
}

async function tryMake(path: string): Promise<NodeJS.ErrnoException | null> {
  try {
    await mkdir(path);
  } catch (error) {
    const failure = error as NodeJS.ErrnoException;
    return failure.code === "EEXIST" && (await isFolder(path)) ? null : failure;
  }
  await syncFolder(dirname(path));
  return null;
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path)).isDirectory();
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
