import type { DiskFile } from "@kakera/kernel";

const windowBytes = 4 * 1024 * 1024;

/** Reads a file from front to back through a buffer of a few MiB. */
export class FileWindow {
  readonly #file: DiskFile;
  readonly sizeBytes: number;
  #window = Buffer.alloc(0);
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
    const readBytes = await this.#file.read(wanted, offset);
    this.#window = wanted.subarray(0, readBytes);
    this.#windowOffset = offset;
  }
}
