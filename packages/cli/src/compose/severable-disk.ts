import { DiskError, type Disk, type DiskFile } from "@kakera/kernel";

/** A disk that can be taken away from whoever holds it. */
export interface SeverableDisk extends Disk {
  /** From now on every call rejects (ENODEV), those on open files too. */
  sever(): void;
}

/**
 * Files that are open outlive their folder: after an unmount by force, or when somebody removes it, writes to them go on
 * succeeding, and nobody ever finds them again. So that the journal does not count such copies, the disk of a drive that
 * went is cut off.
 */
export function severableDisk(disk: Disk): SeverableDisk {
  let isSevered = false;
  const check = (path: string, operation: string): void => {
    if (isSevered) throw new DiskError("ENODEV", path, operation);
  };
  return {
    sever: () => {
      isSevered = true;
    },
    async open(path, mode) {
      check(path, "open");
      return severableFile(await disk.open(path, mode), (operation) => check(path, operation));
    },
    async rename(from, to) {
      check(from, "rename");
      await disk.rename(from, to);
    },
    async unlink(path) {
      check(path, "unlink");
      await disk.unlink(path);
    },
    async makeDirectory(path) {
      check(path, "mkdir");
      await disk.makeDirectory(path);
    },
    async syncDirectory(path) {
      check(path, "fsync");
      await disk.syncDirectory(path);
      check(path, "fsync");
    },
    async list(path) {
      check(path, "list");
      return disk.list(path);
    },
    async stat(path) {
      check(path, "stat");
      return disk.stat(path);
    },
    async space() {
      check(".", "statfs");
      return disk.space();
    },
  };
}

/** A write or sync that was under way when the disk was cut off does not count as done. */
function severableFile(file: DiskFile, check: (operation: string) => void): DiskFile {
  return {
    async read(into, positionBytes) {
      check("read");
      return file.read(into, positionBytes);
    },
    readSync(into, positionBytes) {
      check("read");
      return file.readSync(into, positionBytes);
    },
    async write(data, positionBytes) {
      check("write");
      await file.write(data, positionBytes);
      check("write");
    },
    async fdatasync() {
      check("fdatasync");
      await file.fdatasync();
      check("fdatasync");
    },
    async truncate(sizeBytes) {
      check("truncate");
      await file.truncate(sizeBytes);
    },
    async sizeBytes() {
      check("stat");
      return file.sizeBytes();
    },
    close: () => file.close(),
  };
}
