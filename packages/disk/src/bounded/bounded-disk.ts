import type { Disk, DiskFile, DiskStat, OpenMode } from "@kakera/kernel";
import { CallGate, type CallGateSettings } from "./call-gate.ts";
import { DriveSlowFailure } from "./drive-slow.ts";

export type BoundedDiskSettings = CallGateSettings;

export interface BoundedDisk extends Disk {
  /** A call has passed its deadline and has not ended. */
  isSuspect(): boolean;
  callsUnderWay(): number;
  /** Resolves when the calls now under way have really ended, those included whose callers were rejected. */
  settled(): Promise<void>;
}

/**
 * A disk whose calls are few and bounded in time [F18]: a drive that hangs takes at most `callsMax` threads, its callers
 * get a {@link DriveSlowFailure} after `deadlineMs`, and nothing more is asked of it until it has answered.
 * A rejected call may still be using its buffer: see `released` there.
 */
export function boundedDisk(disk: Disk, settings: BoundedDiskSettings): BoundedDisk {
  const gate = new CallGate(settings);
  return {
    isSuspect: () => gate.isSuspect,
    callsUnderWay: () => gate.callsUnderWay,
    settled: () => gate.settled(),
    async open(path: string, mode: OpenMode): Promise<DiskFile> {
      // Nobody waits for a file that opens too late: it would stay open for ever.
      const file = await gate.run(
        () => disk.open(path, mode),
        (late) => void late.close().catch(() => {}),
      );
      return new BoundedFile(file, gate);
    },
    rename: (from, to) => gate.run(() => disk.rename(from, to)),
    unlink: (path) => gate.run(() => disk.unlink(path)),
    makeDirectory: (path) => gate.run(() => disk.makeDirectory(path)),
    syncDirectory: (path) => gate.run(() => disk.syncDirectory(path)),
    list: (path) => gate.run(() => disk.list(path)),
    stat: (path): Promise<DiskStat | null> => gate.run(() => disk.stat(path)),
    space: () => gate.run(() => disk.space()),
  };
}

class BoundedFile implements DiskFile {
  readonly #file: DiskFile;
  readonly #gate: CallGate;

  constructor(file: DiskFile, gate: CallGate) {
    this.#file = file;
    this.#gate = gate;
  }

  read(into: Uint8Array, positionBytes: number): Promise<number> {
    return this.#gate.run(() => this.#file.read(into, positionBytes));
  }

  /** Blocks the event loop, and no deadline can cut it short: refused while the drive is suspect. */
  readSync(into: Uint8Array, positionBytes: number): number {
    this.#gate.check();
    return this.#file.readSync(into, positionBytes);
  }

  write(data: Uint8Array, positionBytes: number): Promise<void> {
    return this.#gate.run(() => this.#file.write(data, positionBytes));
  }

  fdatasync(): Promise<void> {
    return this.#gate.run(() => this.#file.fdatasync());
  }

  truncate(sizeBytes: number): Promise<void> {
    return this.#gate.run(() => this.#file.truncate(sizeBytes));
  }

  sizeBytes(): Promise<number> {
    return this.#gate.run(() => this.#file.sizeBytes());
  }

  /** On a suspect drive it rejects at once, and the file is closed when the drive has answered. */
  async close(): Promise<void> {
    if (!this.#gate.isSuspect) return this.#gate.run(() => this.#file.close());
    const closed = this.#gate.settled().then(() => this.#file.close());
    closed.catch(() => {});
    throw new DriveSlowFailure("the drive has not answered: the file is closed when it does", closed);
  }
}
