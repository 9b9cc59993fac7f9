import { open, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { boundedDisk, createNodeDisk, digestOnDisk, type BoundedDisk } from "@kakera/disk";
import { ClusterFailure, DiskError, SECOND_MS, type Clock, type Logger } from "@kakera/kernel";
import { inspectPlace, lockDrive, openLmdbStore } from "@kakera/storage-node";
import { CommandFailure } from "../command-failure.ts";
import type { FolderAccess } from "../compose/folder-access.ts";
import { exitCodes } from "../exit-codes.ts";
import { makeFolder, syncFolder } from "./make-folder.ts";
import { nearestExisting } from "./nearest-existing.ts";

/** Nobody waits longer for a drive that hangs. */
export const callDeadlineMs = 10 * SECOND_MS;
const queuedCallsMax = 10_000;
const indexFolder = ".kakera/state/index";

export interface NodeFoldersSettings {
  readonly driveCount: number;
  /** Threads that do the process' file calls. */
  readonly threadCount: number;
  /** null: not known, so derived files are believed only after a clean stop. */
  readonly bootId: string | null;
}

/** Drive folders of this machine. Calls of each are capped, so that dead drives leave threads to the others [F18]. */
export function createNodeFolders(
  components: { clock: Clock; logger: Logger },
  settings: NodeFoldersSettings,
): FolderAccess {
  const { clock, logger } = components;
  const callsMax = Math.max(1, Math.floor(settings.threadCount / (settings.driveCount + 1)));
  const disks = new Map<string, BoundedDisk>();
  const diskAt = (place: string): BoundedDisk => {
    const known = disks.get(place);
    if (known !== undefined) return known;
    const onSuspect = (): void => logger.log("warn", "drive.calls-hang", { place, deadlineMs: callDeadlineMs });
    const disk = boundedDisk(createNodeDisk(place), {
      callsMax,
      queuedCallsMax,
      deadlineMs: callDeadlineMs,
      clock,
      onSuspect,
    });
    disks.set(place, disk);
    return disk;
  };
  return {
    disk: diskAt,
    inspect: (place) => inspectPlace(diskAt(place), createNodeDisk(dirname(place))),
    existing: nearestExisting,
    make: makeDurably,
    lock: takeLock,
    openIndex: async (place, driveId) =>
      openLmdbStore({
        directory: join(place, indexFolder),
        lineage: driveId,
        bootId: settings.bootId,
        digest: () => digestOnDisk(diskAt(place), `${indexFolder}/lmdb/data.mdb`),
      }),
    readText: readTextIfThere,
    writeSecret: writeSecretDurably,
    deviceOf: async (place) => (await diskAt(place).stat("."))?.deviceId ?? null,
  };
}

function takeLock(place: string): { release(): void } {
  try {
    return lockDrive(place);
  } catch (cause) {
    // SQLITE_CANTOPEN, SQLITE_READONLY, SQLITE_PERM: the lock is a file of its own.
    const isDenied = [14, 8, 3].includes((cause as { errcode?: number }).errcode ?? 0);
    if (isDenied) throw new DiskError("EACCES", ".kakera/lock", "lock", cause);
    if (!(cause instanceof ClusterFailure)) throw cause;
    throw new CommandFailure("DRIVE_BUSY", `${place} is served by another process`, {
      exitCode: exitCodes.refused,
      remedy: "stop the other server, or name other folders",
      cause,
    });
  }
}

async function readTextIfThere(place: string, path: string): Promise<string | null> {
  try {
    return await readFile(join(place, path), "utf8");
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT") return null;
    throw asDiskError(error, path);
  }
}

async function writeSecretDurably(place: string, path: string, text: string): Promise<void> {
  const target = join(place, path);
  const unfinished = `${target}.new`;
  try {
    await rm(unfinished, { force: true });
    const file = await open(unfinished, "wx", 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(unfinished, target);
    await syncFolder(dirname(target));
  } catch (error) {
    throw asDiskError(error, path);
  }
}

function asDiskError(error: unknown, path: string): DiskError {
  return new DiskError((error as { code?: string }).code ?? "EIO", path, "access", error);
}

async function makeDurably(place: string): Promise<void> {
  try {
    await makeFolder(place);
  } catch (error) {
    throw asDiskError(error, place);
  }
}
