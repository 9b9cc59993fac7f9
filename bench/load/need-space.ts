import { statfsSync } from "node:fs";
import { tmpdir } from "node:os";

/** Left for everybody else on the machine. */
const reserveBytes = 8 * 2 ** 30;

/** Throws when the folder for temporary files has no room for so much. */
export function needSpace(bytes: number): void {
  const { bavail, bsize } = statfsSync(tmpdir());
  const freeBytes = bavail * bsize;
  if (freeBytes < bytes + reserveBytes)
    throw new Error(
      `needs ${(bytes + reserveBytes) / 2 ** 30} GiB in ${tmpdir()}, ${(freeBytes / 2 ** 30).toFixed(0)} are free`,
    );
}
