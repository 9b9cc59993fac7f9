import { existsSync } from "node:fs";
import { join } from "node:path";
import { sleep, type Clock, type Disk, type DiskFile } from "@kakera/kernel";
import type { FolderAccess } from "../compose/folder-access.ts";

/** A drive whose folder has a file of this name holds its reads. */
const heldMark = "hold-reads";

/** For suites that need a drive that is slow to read and otherwise well: each read of a drive that is marked takes `heldReadMs` more. */
export function holdReads(access: FolderAccess, heldReadMs: number, clock: Clock): FolderAccess {
  return {
    ...access,
    disk(place) {
      const mark = join(place, heldMark);
      const held = async (): Promise<void> => {
        if (existsSync(mark)) await sleep(clock, heldReadMs);
      };
      return heldDisk(access.disk(place), held);
    },
  };
}

function heldDisk(disk: Disk, held: () => Promise<void>): Disk {
  return {
    open: async (path, mode) => heldFile(await disk.open(path, mode), held),
    rename: (from, to) => disk.rename(from, to),
    unlink: (path) => disk.unlink(path),
    makeDirectory: (path) => disk.makeDirectory(path),
    syncDirectory: (path) => disk.syncDirectory(path),
    list: (path) => disk.list(path),
    stat: (path) => disk.stat(path),
    space: () => disk.space(),
  };
}

function heldFile(file: DiskFile, held: () => Promise<void>): DiskFile {
  return {
    async read(into, positionBytes) {
      await held();
      return file.read(into, positionBytes);
    },
    readSync: (into, positionBytes) => file.readSync(into, positionBytes),
    write: (data, positionBytes) => file.write(data, positionBytes),
    fdatasync: () => file.fdatasync(),
    truncate: (sizeBytes) => file.truncate(sizeBytes),
    sizeBytes: () => file.sizeBytes(),
    close: () => file.close(),
  };
}
