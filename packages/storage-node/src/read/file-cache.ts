import { assert, ClusterFailure, DiskError, type Disk, type DiskFile } from "@kakera/kernel";

/** A file that stays open until it is given back. */
export interface FileLease {
  readonly file: DiskFile;
  release(): void;
}

interface OpenFile {
  readonly path: string;
  readonly file: DiskFile;
  leaseCount: number;
  isForgotten: boolean;
}

/**
 * Files open for reading, at most `filesMax` and those in use. A file that is deleted stays open, and readable, for as
 * long as somebody holds it.
 */
export class FileCache {
  readonly #disk: Disk;
  readonly #filesMax: number;
  /** Least recently used first. */
  readonly #files = new Map<string, OpenFile>();
  readonly #opening = new Map<string, Promise<OpenFile>>();
  /** Files that were deleted while they were being opened. */
  readonly #goneMeanwhile = new Set<string>();

  constructor(disk: Disk, filesMax: number) {
    this.#disk = disk;
    this.#filesMax = filesMax;
  }

  /** Rejects with DiskError, ENOENT when the file is gone. */
  async lease(path: string): Promise<FileLease> {
    for (;;) {
      const lease = this.leaseOpen(path);
      if (lease !== null) return lease;
      const underWay = this.#opening.get(path);
      if (underWay === undefined) return this.#openAnew(path);
      // Whoever opened it holds it until those that waited have taken it as well.
      const open = await underWay;
      if (!open.isForgotten) return this.#leaseOf(open);
    }
  }

  /** null: the file is not open. */
  leaseOpen(path: string): FileLease | null {
    const open = this.#files.get(path);
    if (open === undefined) return null;
    this.#files.delete(path);
    this.#files.set(path, open);
    return this.#leaseOf(open);
  }

  /** Opens the file for those who will `peek`. Never rejects. */
  async prime(path: string): Promise<void> {
    try {
      (await this.lease(path)).release();
    } catch (error) {
      // Whoever reads it meets the same error, and can tell somebody.
      if (!(error instanceof DiskError || error instanceof ClusterFailure)) throw error;
    }
  }

  /** The file while nothing awaits; null when it is not open. For one blocking read. */
  peek(path: string): DiskFile | null {
    return this.#files.get(path)?.file ?? null;
  }

  /** The file has been deleted: it is closed when its last holder gives it back. */
  forget(path: string): void {
    if (this.#opening.has(path)) this.#goneMeanwhile.add(path);
    const open = this.#files.get(path);
    if (open === undefined) return;
    this.#files.delete(path);
    open.isForgotten = true;
    this.#closeIfUnused(open);
  }

  close(): void {
    for (const path of this.#files.keys()) this.forget(path);
  }

  #leaseOf(open: OpenFile): FileLease {
    open.leaseCount += 1;
    return this.#heldBy(open);
  }

  #heldBy(open: OpenFile): FileLease {
    let isHeld = true;
    return {
      file: open.file,
      release: () => {
        assert(isHeld, "a lease is released once");
        isHeld = false;
        open.leaseCount -= 1;
        this.#closeIfUnused(open);
      },
    };
  }

  async #openAnew(path: string): Promise<FileLease> {
    const opening = this.#openFile(path);
    this.#opening.set(path, opening);
    try {
      const lease = this.#heldBy(await opening);
      this.#closeOldest();
      return lease;
    } finally {
      this.#opening.delete(path);
      this.#goneMeanwhile.delete(path);
    }
  }

  async #openFile(path: string): Promise<OpenFile> {
    const file = await this.#disk.open(path, { access: "read" });
    // Kept, it would hold the space of a deleted file for as long as nobody pushes it out.
    if (this.#goneMeanwhile.has(path)) {
      await file.close();
      throw new DiskError("ENOENT", path, "open");
    }
    // Held from the start: others that open files at this moment must not push it out.
    const open = { path, file, leaseCount: 1, isForgotten: false };
    this.#files.set(path, open);
    return open;
  }

  #closeOldest(): void {
    for (const open of this.#files.values()) {
      if (this.#files.size <= this.#filesMax) return;
      if (open.leaseCount > 0) continue;
      this.#files.delete(open.path);
      open.isForgotten = true;
      this.#closeIfUnused(open);
    }
  }

  #closeIfUnused(open: OpenFile): void {
    // A file that cannot be closed is the disk's trouble: reading it is over either way.
    if (open.isForgotten && open.leaseCount === 0) open.file.close().catch(() => {});
  }
}
