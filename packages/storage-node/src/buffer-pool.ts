/** Buffers of one kind, used again: to make one for each call would cost more than the call. */
export class BufferPool {
  readonly #idleMax: number;
  readonly #make: () => Buffer;
  readonly #idle: Buffer[] = [];

  constructor(idleMax: number, make: () => Buffer) {
    this.#idleMax = idleMax;
    this.#make = make;
  }

  take(): Buffer {
    return this.#idle.pop() ?? this.#make();
  }

  /** Only after every call that uses it has succeeded: one that was given up may still read it, or write into it. */
  give(buffer: Buffer): void {
    if (this.#idle.length < this.#idleMax) this.#idle.push(buffer);
  }
}
