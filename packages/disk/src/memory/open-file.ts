import { assert, directAlignmentBytes, DiskError, isAligned, type DiskFile } from "@kakera/kernel";
import type { MemoryFile } from "./memory-tree.ts";

export interface OpenFileParts {
  readonly path: string;
  readonly canWrite: boolean;
  readonly isDirect: boolean;
}

/** An open file of a tree in memory: how it is read, and what a closed one, or one that is only read, refuses. */
export abstract class OpenFile implements DiskFile {
  protected readonly path: string;
  protected readonly file: MemoryFile;
  readonly #canWrite: boolean;
  readonly #isDirect: boolean;
  protected isClosed = false;

  constructor(file: MemoryFile, { path, canWrite, isDirect }: OpenFileParts) {
    this.file = file;
    this.path = path;
    this.#canWrite = canWrite;
    this.#isDirect = isDirect;
  }

  abstract write(data: Uint8Array, positionBytes: number): Promise<void>;
  abstract fdatasync(): Promise<void>;
  abstract truncate(sizeBytes: number): Promise<void>;
  abstract close(): Promise<void>;

  async read(into: Uint8Array, positionBytes: number): Promise<number> {
    this.checkTransfer(into, positionBytes);
    return this.readSync(into, positionBytes);
  }

  readSync(into: Uint8Array, positionBytes: number): number {
    this.check("read");
    return this.file.bytes.readAt(into, positionBytes);
  }

  async sizeBytes(): Promise<number> {
    this.check("fstat");
    return this.file.bytes.sizeBytes;
  }

  protected check(operation: string): void {
    if (this.isClosed) throw new DiskError("EBADF", this.path, operation);
  }

  /** A disk of the machine refuses a direct transfer that is not aligned, and goes on without O_DIRECT for good: a bug here. */
  protected checkTransfer(bytes: Uint8Array, positionBytes: number): void {
    if (!this.#isDirect || bytes.byteLength === 0) return;
    const isWhole = positionBytes % directAlignmentBytes === 0 && bytes.byteLength % directAlignmentBytes === 0;
    assert(isWhole && isAligned(bytes), `direct transfers are whole blocks from aligned buffers: ${this.path}`);
  }

  protected checkWritable(operation: string): void {
    this.check(operation);
    if (!this.#canWrite) throw new DiskError("EBADF", this.path, operation);
  }
}
