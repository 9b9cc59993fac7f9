/** Buffers of one size, used again: a fresh one for each read would cost more than the read. */
export class ScratchPool {
  readonly #sizeBytes: number;
  readonly #idleMax: number;
  readonly #idle: Buffer[] = [];

  constructor(sizeBytes: number, idleMax: number) {
    this.#sizeBytes = sizeBytes;
    this.#idleMax = idleMax;
  }

  take(): Buffer {
    return this.#idle.pop() ?? Buffer.allocUnsafeSlow(this.#sizeBytes);
  }

  /** Only after the call that filled it succeeded: one that was given up may still write into it. */
  give(buffer: Buffer): void {
    if (this.#idle.length < this.#idleMax) this.#idle.push(buffer);
  }
}
