import { DiskError } from "@kakera/kernel";

const archiveFolder = ".kakera/archive";

/**
 * Other nodes reach the archive of a drive and nothing else: not its identity, its segments or its lock. The folders that it
 * lies in may be synced, so that its own name is durable. Throws DiskError EACCES.
 */
export function checkArchivePath(path: string, operation: string): void {
  if (isPlain(path) && (path === archiveFolder || path.startsWith(`${archiveFolder}/`))) return;
  if (operation === "sync-directory" && (path === "." || path === "" || path === ".kakera")) return;
  throw new DiskError("EACCES", path, operation);
}

function isPlain(path: string): boolean {
  return path.split("/").every((name) => name !== "" && name !== "." && name !== ".." && !name.includes("\0"));
}
