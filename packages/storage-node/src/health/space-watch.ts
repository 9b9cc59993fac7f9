import type { Disk } from "@kakera/kernel";
import type { DriveHealth } from "./drive-health.ts";

export interface SpaceWatchParts {
  readonly disk: Disk;
  readonly health: DriveHealth;
  /** The part of the drive that only tombstones, repair and compaction may use. */
  readonly reserveShare: number;
}

/** Bytes written after which the file system is asked again. */
const refreshBytes = 16 * 1024 * 1024;

/** Knows about how much room is left, and keeps a reserve: a drive that is quite full could not even be emptied [F12, F26]. */
export class SpaceWatch {
  readonly #parts: SpaceWatchParts;
  #freeBytes = 0;
  #totalBytes = 0;
  #freeInodes: number | null = null;
  /** Since the file system was asked. */
  #writtenBytes = 0;
  #refreshing: Promise<void> | null = null;

  constructor(parts: SpaceWatchParts) {
    this.#parts = parts;
  }

  get freeBytes(): number {
    return Math.max(0, this.#freeBytes - this.#writtenBytes);
  }

  get totalBytes(): number {
    return this.#totalBytes;
  }

  /** null: the file system does not say. */
  get freeInodes(): number | null {
    return this.#freeInodes;
  }

  /** Room is being taken. */
  note(bytes: number): void {
    this.#writtenBytes += bytes;
    if (this.#writtenBytes > refreshBytes) void this.refresh().catch(() => {});
    else this.#judge();
  }

  /** Asks the file system. Rejects with DiskError. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#ask().finally(() => (this.#refreshing = null));
    return this.#refreshing;
  }

  async #ask(): Promise<void> {
    const { freeBytes, totalBytes, freeInodes } = await this.#parts.disk.space();
    this.#freeBytes = freeBytes;
    this.#totalBytes = totalBytes;
    this.#freeInodes = freeInodes ?? null;
    this.#writtenBytes = 0;
    this.#judge();
  }

  #judge(): void {
    const reserveBytes = this.#totalBytes * this.#parts.reserveShare;
    if (this.freeBytes <= reserveBytes) this.#parts.health.setFull();
    else if (this.#writtenBytes === 0) this.#parts.health.setRoomAgain();
  }
}
