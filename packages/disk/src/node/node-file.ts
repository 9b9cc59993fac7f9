import nodeFs from "node:fs";
import { assert, directAlignmentBytes, DiskError, type DiskFile } from "@kakera/kernel";
import { call, errnoOf, type FileCalls } from "./file-calls.ts";

export interface NodeFileParts {
  readonly descriptor: number;
  readonly path: string;
  readonly calls: FileCalls;
  readonly isDirect: boolean;
  /** The flags to open a buffered twin with, should the file system refuse a direct call. */
  readonly flags: number;
}

/**
 * An open file of the machine. Buffers may be views over shared memory (a shared WebAssembly.Memory): the kernel reads
 * and writes them in place. `close` waits for the calls that are out, because a descriptor closed under a call could
 * be handed to another file, and the call would land there.
 */
export class NodeFile implements DiskFile {
  readonly #path: string;
  readonly #calls: FileCalls;
  readonly #flags: number;
  readonly #direct: number;
  #buffered: number | null;
  #callsOut = 0;
  #whenIdle: (() => void) | null = null;
  #isClosed = false;

  constructor(parts: NodeFileParts) {
    this.#path = parts.path;
    this.#calls = parts.calls;
    this.#flags = parts.flags;
    this.#direct = parts.isDirect ? parts.descriptor : -1;
    this.#buffered = parts.isDirect ? null : parts.descriptor;
  }

  read(into: Uint8Array, positionBytes: number): Promise<number> {
    return this.#run("read", () => this.#readAll(into, positionBytes));
  }

  readSync(into: Uint8Array, positionBytes: number): number {
    if (this.#isClosed) throw new DiskError("EBADF", this.#path, "read");
    try {
      let filledBytes = 0;
      while (filledBytes < into.byteLength) {
        const lengthBytes = into.byteLength - filledBytes;
        const at = positionBytes + filledBytes;
        const readBytes = this.#calls.readSync(this.#anyDescriptor(), into, filledBytes, lengthBytes, at);
        filledBytes += readBytes;
        if (this.#isEndOfFile(readBytes)) break;
      }
      return filledBytes;
    } catch (error) {
      throw new DiskError(errnoOf(error), this.#path, "read", error);
    }
  }

  write(data: Uint8Array, positionBytes: number): Promise<void> {
    return this.#run("write", () => this.#writeAll(data, positionBytes));
  }

  fdatasync(): Promise<void> {
    return this.#run("fdatasync", () => call<void>((done) => this.#calls.fdatasync(this.#anyDescriptor(), done)));
  }

  truncate(sizeBytes: number): Promise<void> {
    return this.#run("ftruncate", () =>
      call<void>((done) => this.#calls.ftruncate(this.#anyDescriptor(), sizeBytes, done)),
    );
  }

  async sizeBytes(): Promise<number> {
    const stat = await this.#run("fstat", () =>
      call<nodeFs.Stats>((done) => this.#calls.fstat(this.#anyDescriptor(), done)),
    );
    return stat.size;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#callsOut > 0) await new Promise<void>((resolve) => (this.#whenIdle = resolve));
    try {
      for (const descriptor of [this.#direct, this.#buffered]) {
        if (descriptor !== null && descriptor >= 0) await call<void>((done) => this.#calls.close(descriptor, done));
      }
    } catch (error) {
      throw new DiskError(errnoOf(error), this.#path, "close", error);
    }
  }

  async #readAll(into: Uint8Array, positionBytes: number): Promise<number> {
    let filledBytes = 0;
    while (filledBytes < into.byteLength) {
      const rest = filledBytes === 0 ? into : into.subarray(filledBytes);
      const at = positionBytes + filledBytes;
      const readBytes = await this.#transfer(rest, at, (descriptor) =>
        call<number>((done) => this.#calls.read(descriptor, rest, 0, rest.byteLength, at, done)),
      );
      filledBytes += readBytes;
      if (this.#isEndOfFile(readBytes)) break;
    }
    return filledBytes;
  }

  async #writeAll(data: Uint8Array, positionBytes: number): Promise<void> {
    let writtenBytes = 0;
    while (writtenBytes < data.byteLength) {
      const rest = writtenBytes === 0 ? data : data.subarray(writtenBytes);
      const at = positionBytes + writtenBytes;
      const countBytes = await this.#transfer(rest, at, (descriptor) =>
        call<number>((done) => this.#calls.write(descriptor, rest, 0, rest.byteLength, at, done)),
      );
      // A device that takes nothing and reports nothing would keep the loop for ever.
      if (countBytes === 0) throw new DiskError("EIO", this.#path, "write");
      writtenBytes += countBytes;
    }
  }

  /** One read or write call; a direct one that the file system refuses is made again through the page cache. */
  async #transfer(bytes: Uint8Array, at: number, make: (descriptor: number) => Promise<number>): Promise<number> {
    if (this.#buffered !== null) return make(this.#buffered);
    const isAligned = at % directAlignmentBytes === 0 && bytes.byteLength % directAlignmentBytes === 0;
    assert(isAligned, `direct transfers are whole ${directAlignmentBytes}-byte blocks: ${this.#path}`);
    try {
      return await make(this.#direct);
    } catch (error) {
      if (errnoOf(error) !== "EINVAL") throw error;
      return make(await this.#openBuffered());
    }
  }

  /** Through /proc, since the file may have another name by now. Concurrent callers may race: the loser's is closed. */
  async #openBuffered(): Promise<number> {
    const flags = this.#flags & ~nodeFs.constants.O_NOFOLLOW;
    const place = `/proc/self/fd/${this.#direct}`;
    const opened = await call<number>((done) => this.#calls.open(place, flags, done));
    if (this.#buffered === null) return (this.#buffered = opened);
    await call<void>((done) => this.#calls.close(opened, done));
    return this.#buffered;
  }

  #anyDescriptor(): number {
    return this.#buffered ?? this.#direct;
  }

  /** A direct read ends in a partial block only at the end of the file, and could not go on from there. */
  #isEndOfFile(readBytes: number): boolean {
    return readBytes === 0 || (this.#buffered === null && readBytes % directAlignmentBytes !== 0);
  }

  async #run<Result>(operation: string, start: () => Promise<Result>): Promise<Result> {
    if (this.#isClosed) throw new DiskError("EBADF", this.#path, operation);
    this.#callsOut += 1;
    try {
      return await start();
    } catch (error) {
      throw error instanceof DiskError || !isErrno(error)
        ? error
        : new DiskError(errnoOf(error), this.#path, operation, error);
    } finally {
      this.#callsOut -= 1;
      if (this.#callsOut === 0) this.#whenIdle?.();
    }
  }
}

/** Errors of the kernel are translated; an assertion of our own is not. */
function isErrno(error: unknown): boolean {
  return typeof (error as { code?: unknown } | null)?.code === "string";
}
