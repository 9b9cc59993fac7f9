import { DiskError, type Disk, type DiskFile, type DriveId } from "@kakera/kernel";
import { readIdentity } from "@kakera/storage-node";

/** A disk that may know of the calls that are under way on it. */
export type BoundedCalls = Disk & { callsUnderWay?(): number; isSuspect?(): boolean };

/** A disk that can be taken away from whoever holds it. */
export interface SeverableDisk extends Disk {
  /** From now on every call rejects (ENODEV), those on open files too. */
  sever(): void;
  /** null: nobody counts them. */
  callsUnderWay(): number | null;
  /** Whether a call hangs. Absent: nobody can tell that from many calls at once. */
  isSuspect?(): boolean;
}

/**
 * Files that are open outlive their folder: after an unmount by force, or when somebody removes it, writes to them go on
 * succeeding, and nobody ever finds them again. So that the journal does not count such copies, the disk of a drive that
 * went is cut off.
 *
 * Between a drive's going and its being cut off, an empty folder may stand in its place: the bare mount point on the root
 * disk, or what an operator made for a replacement. Whoever makes folders there would fill the wrong device and count a copy
 * that is on none of our drives [F24]; so folders are made only where the drive's own identity lies.
 */
export function severableDisk(disk: BoundedCalls, driveId: DriveId): SeverableDisk {
  let isSevered = false;
  const check = (path: string, operation: string): void => {
    if (isSevered) throw new DiskError("ENODEV", path, operation);
  };
  return {
    sever: () => {
      isSevered = true;
    },
    callsUnderWay: () => disk.callsUnderWay?.() ?? null,
    ...(disk.isSuspect === undefined ? {} : { isSuspect: disk.isSuspect.bind(disk) }),
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
      const identity = await readIdentity(disk);
      if (identity === null || identity === "damaged" || identity.driveId !== driveId) {
        throw new DiskError("ENODEV", path, "mkdir");
      }
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
