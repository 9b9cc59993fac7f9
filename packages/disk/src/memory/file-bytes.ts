/**
 * The content of a file in memory. `share` gives a second FileBytes with the same content in constant time: whichever
 * is changed first takes a copy. Crash images are made by the ten thousand, and most of their files are never touched.
 */
export class FileBytes {
  #buffer: Uint8Array;
  #sizeBytes: number;
  #isShared = false;

  constructor(content: Uint8Array = new Uint8Array(0)) {
    this.#buffer = content;
    this.#sizeBytes = content.byteLength;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  share(): FileBytes {
    const twin = new FileBytes(this.#buffer);
    twin.#sizeBytes = this.#sizeBytes;
    twin.#isShared = true;
    this.#isShared = true;
    return twin;
  }

  /** The content itself, not a copy: only to look at, and only until the next change. */
  view(): Uint8Array {
    return this.#buffer.subarray(0, this.#sizeBytes);
  }

  readAt(into: Uint8Array, positionBytes: number): number {
    const countBytes = Math.max(0, Math.min(into.byteLength, this.#sizeBytes - positionBytes));
    into.set(this.#buffer.subarray(positionBytes, positionBytes + countBytes));
    return countBytes;
  }

  writeAt(data: Uint8Array, positionBytes: number): void {
    const endBytes = positionBytes + data.byteLength;
    this.#makeOwn(Math.max(endBytes, this.#sizeBytes));
    this.#buffer.set(data, positionBytes);
    this.#sizeBytes = Math.max(this.#sizeBytes, endBytes);
  }

  truncate(sizeBytes: number): void {
    this.#makeOwn(sizeBytes);
    // What lies beyond the end must read as zeros when the file grows over it again.
    if (sizeBytes < this.#sizeBytes) this.#buffer.fill(0, sizeBytes, this.#sizeBytes);
    this.#sizeBytes = sizeBytes;
  }

  /** Makes the buffer this file's own, with room for `sizeBytes`. */
  #makeOwn(sizeBytes: number): void {
    if (!this.#isShared && sizeBytes <= this.#buffer.byteLength) return;
    const grownBytes =
      sizeBytes > this.#buffer.byteLength
        ? Math.max(sizeBytes, this.#buffer.byteLength * 2, 4096)
        : this.#buffer.byteLength;
    const grown = new Uint8Array(grownBytes);
    grown.set(this.view());
    this.#buffer = grown;
    this.#isShared = false;
  }
}
