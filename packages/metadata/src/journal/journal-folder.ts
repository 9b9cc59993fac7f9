import {
  alignedBuffer,
  assert,
  DiskError,
  isAligned,
  MIB,
  type Disk,
  type DiskFile,
  type DriveId,
} from "@kakera/kernel";
import type { Change } from "../ports/commit-log.ts";
import { journalNames } from "./journal-names.ts";
import type { JournalSettings } from "./settings.ts";

/** A drive that takes part in the journal, and the folder on it, e.g. `.kakera/journal`. The folder need not exist. */
export interface JournalPlace {
  readonly driveId: DriveId;
  readonly disk: Disk;
  readonly directory: string;
}

type FolderSettings = Pick<JournalSettings, "fileSizeBytes" | "reserveFiles">;

/** A file that holds, or held, batches. */
export interface JournalFile {
  readonly number: number;
  readonly sizeBytes: number;
  /** Highest sequence of any batch in it. */
  lastSequence: number;
  /** false: a write to it may still be under way somewhere (it failed or timed out): it is unlinked, never used again. */
  mayRecycle: boolean;
}

interface Spare {
  readonly number: number;
  readonly sizeBytes: number;
}

interface CurrentFile {
  readonly file: DiskFile;
  readonly meta: JournalFile;
  usedBytes: number;
}

const zeros = Buffer.alloc(MIB);

/**
 * The files of a journal on one drive: one being filled, full ones before it, preallocated spares for what comes. Files are
 * zeroed and synced before they are used, so that a write of a batch changes no metadata of the file system.
 */
export class JournalFolder {
  readonly place: JournalPlace;
  readonly #settings: FolderSettings;
  readonly #files: JournalFile[];
  readonly #spares: Spare[];
  #current: CurrentFile | null = null;
  #nextNumber: number;
  #preparation: Promise<void> | null = null;
  #isSpaceShort = false;
  /** What does not lie as O_DIRECT wants it is copied here first. */
  #staging: Buffer = Buffer.alloc(0);

  constructor(
    place: JournalPlace,
    settings: FolderSettings,
    found: { files: JournalFile[]; spares: Spare[]; nextNumber: number },
  ) {
    this.place = place;
    this.#settings = settings;
    this.#files = [...found.files].sort((a, b) => a.number - b.number);
    this.#spares = [...found.spares];
    this.#nextNumber = found.nextNumber;
  }

  /** Numbers of the files that hold batches behind `sequence`, in order. */
  filesAfter(sequence: number): number[] {
    return this.#files.filter((file) => file.lastSequence > sequence).map((file) => file.number);
  }

  /** Bytes of those files, as allocated. */
  bytesAfter(sequence: number): number {
    let bytes = 0;
    for (const file of this.#files) if (file.lastSequence > sequence) bytes += file.sizeBytes;
    return bytes;
  }

  /** The drive had no room for a file that was wanted. */
  get isSpaceShort(): boolean {
    return this.#isSpaceShort;
  }

  /** Whether files would be given up if everything up to `sequence` were. */
  hasFilesUpTo(sequence: number): boolean {
    return this.#files.some((file) => file !== this.#current?.meta && file.lastSequence <= sequence);
  }

  /** Whether a batch of so many bytes can surely be written; what frees nothing leaves the reserve alone. */
  hasRoom(bytes: number, purpose: Change["purpose"]): boolean {
    if (!this.#isSpaceShort) return true;
    if (this.#current !== null && this.#leftBytes() >= bytes) return true;
    const reserved = purpose === "write" ? this.#settings.reserveFiles : 0;
    return this.#spares.filter((spare) => spare.sizeBytes >= bytes).length > reserved;
  }

  /** Writes whole blocks behind what is there, durable when it resolves. Only one call at a time. */
  async append(bytes: Buffer, lastSequence: number): Promise<void> {
    if (this.#current === null || this.#leftBytes() < bytes.byteLength) await this.beginFile(bytes.byteLength);
    const current = this.#current as CurrentFile | null;
    assert(current !== null, "a file was begun");
    current.meta.lastSequence = Math.max(current.meta.lastSequence, lastSequence);
    const at = current.usedBytes;
    current.usedBytes += bytes.byteLength;
    try {
      await current.file.write(isAligned(bytes) ? bytes : this.#stage(bytes), at);
    } catch (error) {
      // A call that was given up may still read it.
      this.#staging = Buffer.alloc(0);
      throw error;
    }
  }

  /** Leaves the present file as it is and begins another with room for `bytes`. */
  async beginFile(bytes: number): Promise<void> {
    await this.#closeCurrent();
    if (this.#spares.length === 0) await this.#preparation;
    const { disk, directory } = this.place;
    const spare = this.#takeSpare(bytes) ?? (await this.#allocate(bytes));
    const meta: JournalFile = {
      number: this.#nextNumber++,
      sizeBytes: spare.sizeBytes,
      lastSequence: 0,
      mayRecycle: true,
    };
    const path = `${directory}/${journalNames.batches(meta.number)}`;
    await disk.rename(`${directory}/${journalNames.spare(spare.number)}`, path);
    await disk.syncDirectory(directory);
    const file = await disk.open(path, { access: "write", isSynchronous: true, isDirect: true });
    this.#files.push(meta);
    this.#current = { file, meta, usedBytes: 0 };
  }

  /** Whether the next file is not prepared yet. */
  get wantsSpares(): boolean {
    return this.#spares.length <= this.#settings.reserveFiles && !this.#isSpaceShort;
  }

  /** Sees to it that spares are there before they are needed. Rejects with DiskError; a lack of room only makes space short. */
  prepareSpares(): Promise<void> {
    this.#preparation ??= this.#prepare().finally(() => (this.#preparation = null));
    return this.#preparation;
  }

  /** Gives the reserve up, for a checkpoint that finds no room. */
  async releaseSpares(): Promise<void> {
    const { disk, directory } = this.place;
    for (const spare of this.#spares.splice(0)) await disk.unlink(`${directory}/${journalNames.spare(spare.number)}`);
  }

  /** Gives up files whose batches are all at or below `sequence`. */
  async recycle(sequence: number): Promise<void> {
    const { disk, directory } = this.place;
    const retired = this.#files.filter((file) => file !== this.#current?.meta && file.lastSequence <= sequence);
    for (const file of retired) {
      const path = `${directory}/${journalNames.batches(file.number)}`;
      const isWanted =
        this.#spares.length <= this.#settings.reserveFiles + 1 && file.sizeBytes === this.#settings.fileSizeBytes;
      if (isWanted && file.mayRecycle) {
        await disk.rename(path, `${directory}/${journalNames.spare(file.number)}`);
        this.#spares.push({ number: file.number, sizeBytes: file.sizeBytes });
      } else {
        await disk.unlink(path);
      }
      this.#files.splice(this.#files.indexOf(file), 1);
    }
    if (retired.length === 0) return;
    this.#isSpaceShort = false;
    await disk.syncDirectory(directory);
  }

  /** After a write that failed: its file is never written nor used again. */
  async abandonCurrent(): Promise<void> {
    if (this.#current !== null) this.#current.meta.mayRecycle = false;
    await this.#closeCurrent();
  }

  async close(): Promise<void> {
    await this.#preparation?.catch(() => {});
    await this.#closeCurrent();
  }

  /** Only one append is under way at a time. */
  #stage(bytes: Buffer): Buffer {
    if (this.#staging.byteLength < bytes.byteLength) {
      this.#staging = alignedBuffer(2 ** Math.ceil(Math.log2(bytes.byteLength)));
    }
    bytes.copy(this.#staging);
    return this.#staging.subarray(0, bytes.byteLength);
  }

  #leftBytes(): number {
    return this.#current === null ? 0 : this.#current.meta.sizeBytes - this.#current.usedBytes;
  }

  async #closeCurrent(): Promise<void> {
    const current = this.#current;
    this.#current = null;
    await current?.file.close();
  }

  #takeSpare(bytes: number): Spare | null {
    const index = this.#spares.findIndex((spare) => spare.sizeBytes >= bytes);
    return index < 0 ? null : (this.#spares.splice(index, 1)[0] as Spare);
  }

  async #prepare(): Promise<void> {
    while (this.#spares.length < this.#settings.reserveFiles + 1) {
      const { freeBytes } = await this.place.disk.space();
      if (freeBytes < this.#settings.fileSizeBytes) {
        this.#isSpaceShort = true;
        return;
      }
      try {
        this.#spares.push(await this.#allocate(0));
        this.#isSpaceShort = false;
      } catch (error) {
        if (!(error instanceof DiskError) || error.code !== "ENOSPC") throw error;
        this.#isSpaceShort = true;
        return;
      }
    }
  }

  async #allocate(bytes: number): Promise<Spare> {
    const { disk, directory } = this.place;
    const spare: Spare = { number: this.#nextNumber++, sizeBytes: Math.max(this.#settings.fileSizeBytes, bytes) };
    const path = `${directory}/${journalNames.spare(spare.number)}`;
    const unfinished = journalNames.unfinished(path);
    const file = await disk.open(unfinished, { access: "create" });
    try {
      for (let at = 0; at < spare.sizeBytes; at += zeros.byteLength) {
        await file.write(zeros.subarray(0, Math.min(zeros.byteLength, spare.sizeBytes - at)), at);
      }
      await file.fdatasync();
    } catch (error) {
      await file.close();
      if (error instanceof DiskError && error.code === "ENOSPC") {
        this.#isSpaceShort = true;
        await disk.unlink(unfinished);
      }
      throw error;
    }
    await file.close();
    await disk.rename(unfinished, path);
    await disk.syncDirectory(directory);
    return spare;
  }
}
