import type { Disk, DiskFile } from "@kakera/kernel";

export interface MortalDisks {
  readonly disks: readonly Disk[];
  /** As SIGKILL: no call that is out comes back, no later one begins. What had reached the disks stays in them. */
  kill(): void;
}

/** The disks of one process that may be killed; the same disks can be given to a next one. */
export function mortalDisks(disks: readonly Disk[]): MortalDisks {
  const life = { isOver: false };
  const pass = async <Result>(begin: () => Promise<Result>): Promise<Result> => {
    if (life.isOver) await never;
    try {
      return await begin();
    } finally {
      if (life.isOver) await never;
    }
  };
  return { disks: disks.map((disk) => mortalDisk(disk, pass)), kill: () => void (life.isOver = true) };
}

type Pass = <Result>(begin: () => Promise<Result>) => Promise<Result>;

const never = new Promise<never>(() => {});

function mortalDisk(disk: Disk, pass: Pass): Disk {
  return {
    open: async (path, mode) => mortalFile(await pass(() => disk.open(path, mode)), pass),
    rename: (from, to) => pass(() => disk.rename(from, to)),
    unlink: (path) => pass(() => disk.unlink(path)),
    makeDirectory: (path) => pass(() => disk.makeDirectory(path)),
    syncDirectory: (path) => pass(() => disk.syncDirectory(path)),
    list: (path) => pass(() => disk.list(path)),
    stat: (path) => pass(() => disk.stat(path)),
    space: () => pass(() => disk.space()),
  };
}

function mortalFile(file: DiskFile, pass: Pass): DiskFile {
  return {
    read: (into, positionBytes) => pass(() => file.read(into, positionBytes)),
    readSync: (into, positionBytes) => file.readSync(into, positionBytes),
    write: (data, positionBytes) => pass(() => file.write(data, positionBytes)),
    fdatasync: () => pass(() => file.fdatasync()),
    truncate: (sizeBytes) => pass(() => file.truncate(sizeBytes)),
    sizeBytes: () => pass(() => file.sizeBytes()),
    close: () => pass(() => file.close()),
  };
}
