import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";

/**
 * What a derived LMDB without fsync proves [F9]. Its pages reach the disk in any order: after a reboot it may open, look
 * newest, and lack rows. Beside it lies this small file, which is fsync'ed.
 */
export interface GuardRecord {
  /** The boot in which the index was last written; the page cache of that boot had all of it. */
  readonly bootId: string | null;
  /** What the index is an index of: the drive's id. */
  readonly lineage: string;
  /** Of the keys and values. */
  readonly version: number;
  /**
   * - `opening`: LMDB was being opened, and may have taken the process with it
   * - `in-use`: whole for as long as the machine stays up
   * - `clean`: flushed and closed
   */
  readonly standing: "opening" | "in-use" | "clean";
  /** SHA-256 of LMDB's file as it was closed; only with `clean`. It has no checksums of its own. */
  readonly content?: string | null;
}

const fileName = "guard.json";

/** Whether the index beside the guard may be used. Pure. */
export function isTrustworthy(found: GuardRecord | null, now: Omit<GuardRecord, "standing" | "content">): boolean {
  if (found === null || found.lineage !== now.lineage || found.version !== now.version) return false;
  if (found.standing === "opening") return false;
  return found.standing === "clean" || (found.bootId !== null && found.bootId === now.bootId);
}

/** An index that was closed is believed only while its file holds the bytes that it was closed with. */
export async function isAsClosed(found: GuardRecord | null, digest: () => Promise<string | null>): Promise<boolean> {
  if (found?.standing !== "clean") return true;
  return found.content != null && found.content === (await digest());
}

export function readGuard(directory: string): GuardRecord | null {
  try {
    return JSON.parse(readFileSync(join(directory, fileName), "utf8")) as GuardRecord;
  } catch {
    // Absent or torn: it proves nothing.
    return null;
  }
}

/** Durable when it returns. The folder must be there: of a drive that went, nothing is made again. Throws ENOENT. */
export function writeGuard(directory: string, record: GuardRecord): void {
  const path = join(directory, fileName);
  const temporary = `${path}.new`;
  rmSync(temporary, { force: true });
  const descriptor = openSync(temporary, "wx", 0o640);
  try {
    writeSync(descriptor, JSON.stringify(record));
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(temporary, path);
  syncPath(directory);
}

/** fsync of a file or a folder; nothing when it is not there. */
export function syncPath(path: string): void {
  if (!existsSync(path)) return;
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
