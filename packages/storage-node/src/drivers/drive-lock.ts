import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { ClusterFailure } from "@kakera/kernel";
import { systemFolder } from "../identity/identity-file.ts";

const lockName = "lock";
const busy = 5;

/** Held while this process serves the drive. */
export interface DriveLock {
  release(): void;
}

/**
 * Takes the drive for this process. Throws ClusterFailure `halt` when another process has it, in this container or in
 * another one: two servers would write over each other's records.
 *
 * The lock is the kernel's own, on DIR/.kakera/lock: it ends with the process, however that ends. Node offers file locks
 * only through SQLite, which is used for nothing else here; the file stays empty. (A listening socket in the folder would
 * do as well until two processes start at one moment after a crash: each finds the dead socket, and each replaces it.)
 */
export function lockDrive(directory: string): DriveLock {
  mkdirSync(join(directory, systemFolder), { recursive: true });
  const database = new DatabaseSync(join(directory, systemFolder, lockName), { timeout: 0 });
  try {
    database.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    if ((error as { errcode?: number }).errcode !== busy) throw error;
    throw new ClusterFailure("halt", `another process serves the drive ${directory}`, { cause: error });
  }
  return { release: () => database.close() };
}
