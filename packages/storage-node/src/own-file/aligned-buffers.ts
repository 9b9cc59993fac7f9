const pageBytes = 65_536;

/**
 * Buffers that O_DIRECT accepts. Only a WebAssembly.Memory is sure to lie at a page's start, and one that cannot grow is
 * never detached under a write.
 */
export class AlignedBuffers {
  readonly #sizeBytes: number;
  readonly #idleMax: number;
  readonly #idle: Buffer[] = [];

  constructor(sizeBytes: number, idleMax: number) {
    this.#sizeBytes = sizeBytes;
    this.#idleMax = idleMax;
  }

  take(): Buffer {
    const idle = this.#idle.pop();
    if (idle !== undefined) return idle;
    const pages = Math.ceil(this.#sizeBytes / pageBytes);
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    return Buffer.from(memory.buffer, 0, this.#sizeBytes);
  }

  /** Only after every write from it has succeeded: one that was given up may still be under way. */
  give(buffer: Buffer): void {
    if (this.#idle.length < this.#idleMax) this.#idle.push(buffer);
  }
}

const directAlignmentBytes = 4096;

/** Whether O_DIRECT may write straight from it: part of a shared memory, at a multiple of 4 KiB. */
export function isAligned(bytes: Uint8Array): boolean {
  return bytes.buffer instanceof SharedArrayBuffer && bytes.byteOffset % directAlignmentBytes === 0;
}
