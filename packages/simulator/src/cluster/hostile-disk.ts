import { DiskError, type Disk, type DiskFile } from "@kakera/kernel";
import type { Machine } from "../world/machine.ts";

/** What a drive does to its process now. */
export interface DriveMood {
  /** No room for what grows; what is there stays readable. */
  isFull: boolean;
  /** Until it resolves no call comes back. */
  hung: Promise<void> | null;
  /** On top of what each call takes. */
  extraMs: number;
  /** The same, of reads alone. */
  readHoldMs: number;
  /** Position of the drive's history: all before it was told to somebody. */
  acknowledged: number;
}

export function calmMood(): DriveMood {
  return { isFull: false, hung: null, extraMs: 0, readHoldMs: 0, acknowledged: 0 };
}

interface Parts {
  readonly machine: Machine;
  readonly mood: DriveMood;
  /** How much has happened to the drive so far. */
  readonly position: () => number;
}

const totalBytes = 1024 * 1024 * 1024;

/** A drive as one process sees it: each call takes some of the world's time, and none comes back to a process that is dead. */
export function hostileDisk(disk: Disk, parts: Parts): Disk {
  const call = <Result>(work: () => Promise<Result>): Promise<Result> => take(parts, work, 0);
  return {
    open: async (path, mode) => hostileFile(await call(() => disk.open(path, mode)), path, parts),
    rename: (from, to) => call(() => disk.rename(from, to)),
    unlink: (path) => call(() => disk.unlink(path)),
    makeDirectory: (path) => call(() => disk.makeDirectory(path)),
    syncDirectory: (path) => call(() => disk.syncDirectory(path)),
    list: (path) => call(() => disk.list(path)),
    stat: (path) => call(() => disk.stat(path)),
    space: () => call(async () => (parts.mood.isFull ? { freeBytes: totalBytes / 100, totalBytes } : disk.space())),
  };
}

function hostileFile(file: DiskFile, path: string, parts: Parts): DiskFile {
  const { mood } = parts;
  const call = <Result>(work: () => Promise<Result>): Promise<Result> => take(parts, work, 0);
  return {
    read: (into, positionBytes) => take(parts, () => file.read(into, positionBytes), mood.readHoldMs),
    readSync: (into, positionBytes) => file.readSync(into, positionBytes),
    write: (data, positionBytes) =>
      call(() => {
        // What a drive keeps free is not always enough.
        if (mood.isFull && parts.machine.world.chance(0.3))
          return Promise.reject(new DiskError("ENOSPC", path, "write"));
        return file.write(data, positionBytes);
      }),
    fdatasync: () => call(() => file.fdatasync()),
    truncate: (sizeBytes) => call(() => file.truncate(sizeBytes)),
    sizeBytes: () => file.sizeBytes(),
    close: () => file.close(),
  };
}

async function take<Result>(parts: Parts, work: () => Promise<Result>, holdMs: number): Promise<Result> {
  const { machine, mood, position } = parts;
  const { world } = machine;
  await machine.wait(world.between(0.01, 0.1) + mood.extraMs + holdMs);
  if (mood.hung !== null) await mood.hung;
  try {
    return await work();
  } finally {
    // It is done, and nobody knows yet: a crash now may undo it.
    const end = position();
    await machine.wait(world.between(0.01, 0.2));
    mood.acknowledged = Math.max(mood.acknowledged, end);
  }
}
