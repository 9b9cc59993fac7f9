import { DiskError, type DiskFile } from "@kakera/kernel";

const windowBytes = 4 * 1024 * 1024;

const blockBytes = 4096;

/** Reads a file from front to back through a buffer of a few MiB. */
export class FileWindow {
  readonly #file: DiskFile;
  readonly sizeBytes: number;
  #window: Buffer = Buffer.alloc(0);
  #windowOffset = 0;

  constructor(file: DiskFile, sizeBytes: number) {
    this.#file = file;
    this.sizeBytes = sizeBytes;
  }

  /** `lengthBytes` from `offset`, fewer at the end of the file. A view that lives until the next call. */
  async bytes(offset: number, lengthBytes: number): Promise<Buffer> {
    const end = Math.min(this.sizeBytes, offset + lengthBytes);
    if (offset >= end) return Buffer.alloc(0);
    const isInside = offset >= this.#windowOffset && end <= this.#windowOffset + this.#window.byteLength;
    if (!isInside) await this.#fill(offset, end - offset);
    return this.#window.subarray(offset - this.#windowOffset, end - this.#windowOffset);
  }

  async #fill(offset: number, neededBytes: number): Promise<void> {
    const wanted = Buffer.alloc(Math.min(this.sizeBytes - offset, Math.max(neededBytes, windowBytes)));
    this.#window = await this.#read(wanted, offset);
    this.#windowOffset = offset;
  }

  /** What the disk cannot read is zeros here: one bad block must not hide the records around it. */
  async #read(into: Buffer, offset: number): Promise<Buffer> {
    try {
      return into.subarray(0, await this.#file.read(into, offset));
    } catch (error) {
      if (!isUnreadable(error)) throw error;
    }
    for (let at = 0; at < into.byteLength; at += blockBytes) {
      const block = into.subarray(at, at + blockBytes);
      await this.#file.read(block, offset + at).catch((error: unknown) => {
        if (!isUnreadable(error)) throw error;
        block.fill(0);
      });
    }
    return into;
  }
}

/** The medium has lost these bytes. */
export function isUnreadable(error: unknown): boolean {
  return error instanceof DiskError && error.code === "EIO";
}
