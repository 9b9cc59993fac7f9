import { DiskError, type Disk, type DiskFile } from "@kakera/kernel";

/**
 * Disks that break their promise in one way. A suite that stays green over one of them proves nothing: each power-cut suite runs over all of
 * them and must fail.
 */

/** `fdatasync` answers at once and does nothing: what a drive with a lying write cache does, or code that forgot it. */
export function liesAboutFdatasync(disk: Disk): Disk {
  return withFiles(disk, (file) => ({ fdatasync: async () => void (await file.sizeBytes()) }));
}

/** Writes of files opened as synchronous are plain ones. */
export function liesAboutSynchronousWrites(disk: Disk): Disk {
  return { ...delegate(disk), open: (path, mode) => disk.open(path, { ...mode, isSynchronous: false }) };
}

/** `syncDirectory` answers at once and does nothing. */
export function skipsDirectorySync(disk: Disk): Disk {
  return { ...delegate(disk), syncDirectory: async (path) => void (await disk.stat(path)) };
}

/**
 * A failed sync (an `fdatasync`, or that of a synchronous write) is tried again: the kernel has marked the lost pages clean, so that the
 * second one succeeds.
 */
export function retriesFailedFsync(disk: Disk): Disk {
  return withFiles(disk, (file) => {
    const syncAgain = (error: unknown): Promise<void> => {
      if (error instanceof DiskError && error.code === "EIO") return file.fdatasync();
      throw error;
    };
    return {
      fdatasync: () => file.fdatasync().catch(syncAgain),
      write: (data, positionBytes) => file.write(data, positionBytes).catch(syncAgain),
    };
  });
}

function withFiles(disk: Disk, replace: (file: DiskFile) => Partial<DiskFile>): Disk {
  return {
    ...delegate(disk),
    open: async (path, mode) => {
      const file = await disk.open(path, mode);
      return { ...delegateFile(file), ...replace(file) };
    },
  };
}

function delegate(disk: Disk): Disk {
  return {
    open: (path, mode) => disk.open(path, mode),
    rename: (from, to) => disk.rename(from, to),
    unlink: (path) => disk.unlink(path),
    makeDirectory: (path) => disk.makeDirectory(path),
    syncDirectory: (path) => disk.syncDirectory(path),
    list: (path) => disk.list(path),
    stat: (path) => disk.stat(path),
    space: () => disk.space(),
  };
}

function delegateFile(file: DiskFile): DiskFile {
  return {
    read: (into, positionBytes) => file.read(into, positionBytes),
    readSync: (into, positionBytes) => file.readSync(into, positionBytes),
    write: (data, positionBytes) => file.write(data, positionBytes),
    fdatasync: () => file.fdatasync(),
    truncate: (sizeBytes) => file.truncate(sizeBytes),
    sizeBytes: () => file.sizeBytes(),
    close: () => file.close(),
  };
}
