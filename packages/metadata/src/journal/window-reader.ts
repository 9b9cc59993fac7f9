import type { DiskFile } from "@kakera/kernel";

const windowBytesMin = 1024 * 1024;

/** Reads a file from front to back in large pieces and lends slices of them. Takes no more memory than the file has bytes. */
export class WindowReader {
  readonly #file: DiskFile;
  #buffer: Buffer = Buffer.alloc(0);
  #window: Buffer = this.#buffer;
  #windowAt = 0;

  constructor(file: DiskFile) {
    this.#file = file;
  }

  /** Bytes [at, at + count), fewer at the end of the file. Lent until the next call. */
  async bytes(at: number, count: number): Promise<Buffer> {
    const isInside = at >= this.#windowAt && at + count <= this.#windowAt + this.#window.byteLength;
    if (!isInside) await this.#fill(at, count);
    return this.#window.subarray(at - this.#windowAt, at - this.#windowAt + count);
  }

  async #fill(at: number, count: number): Promise<void> {
    if (this.#buffer.byteLength < count) {
      const leftBytes = Math.max(0, (await this.#file.sizeBytes()) - at);
      this.#buffer = Buffer.allocUnsafeSlow(Math.min(leftBytes, Math.max(windowBytesMin, count)));
    }
    let filled = 0;
    while (filled < this.#buffer.byteLength) {
      const read = await this.#file.read(this.#buffer.subarray(filled), at + filled);
      if (read === 0) break;
      filled += read;
    }
    this.#window = this.#buffer.subarray(0, filled);
    this.#windowAt = at;
  }
}
