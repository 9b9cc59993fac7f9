import { DiskError } from "@kakera/kernel";

/** For `catch`: what should be gone and is not there has been removed already. */
export function ignoreAbsence(error: unknown): void {
  if (!(error instanceof DiskError && error.code === "ENOENT")) throw error;
}
