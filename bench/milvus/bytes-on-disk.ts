import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";

const stableForMs = 10_000;
const pollMs = 500;

/** What the folders take on their disks, in whole blocks. */
export function bytesOnDisk(directories: readonly string[]): number {
  return directories.reduce((sum, directory) => sum + bytesBelow(directory), 0);
}

/**
 * The same, when it has become less than `beforeBytes` and does not change any more, or the time is over: stores give back what was
 * deleted when it suits them.
 */
export async function settledBytesOnDisk(
  directories: readonly string[],
  { beforeBytes, withinMs }: { readonly beforeBytes: number; readonly withinMs: number },
): Promise<number> {
  const deadlineMs = performance.now() + withinMs;
  let [last, sinceMs] = [bytesOnDisk(directories), performance.now()];
  const isSettled = (): boolean => last < beforeBytes && performance.now() - sinceMs >= stableForMs;
  while (performance.now() < deadlineMs && !isSettled()) {
    await new Promise((resolve) => setTimeout(resolve, pollMs));
    const now = bytesOnDisk(directories);
    if (now !== last) [last, sinceMs] = [now, performance.now()];
  }
  return last;
}

function bytesBelow(path: string): number {
  try {
    const stat = lstatSync(path);
    const own = stat.blocks * 512;
    if (!stat.isDirectory()) return own;
    return readdirSync(path).reduce((sum, name) => sum + bytesBelow(join(path, name)), own);
  } catch (error) {
    // Deleted by the store meanwhile.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return 0;
    throw error;
  }
}
