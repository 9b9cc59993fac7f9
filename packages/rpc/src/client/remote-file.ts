import { DiskError, type DiskFile } from "@kakera/kernel";
import { calls } from "@kakera/protocol";
import { payloadBytesMax } from "../wire/call-limits.ts";
import type { NodeAnswer } from "./node-caller.ts";
import type { RemoteDiskParts } from "./remote-disk.ts";

export interface RemoteFileParts extends RemoteDiskParts {
  readonly path: string;
  readonly fileId: number;
}

/** A file that is open on another node. EBADF when that node has given it up. */
export class RemoteFile implements DiskFile {
  readonly #parts: RemoteFileParts;
  /** They go out on many connections: the file is closed when all have ended. */
  readonly #underWay = new Set<Promise<unknown>>();
  #isClosed = false;

  constructor(parts: RemoteFileParts) {
    this.#parts = parts;
  }

  read(into: Uint8Array, positionBytes: number): Promise<number> {
    return this.#whileOpen("read", async () => {
      for (let readBytes = 0; ;) {
        const piece = into.subarray(readBytes, readBytes + payloadBytesMax);
        const at = { fileId: this.#parts.fileId, positionBytes: positionBytes + readBytes };
        const lengthBytes = piece.byteLength;
        const header = calls.ReadFileCall.encode({ ...at, lengthBytes }).finish();
        const { payloadBytes } = await this.#send("read-file", header, { into: piece, isRepeatable: true });
        readBytes += payloadBytes;
        if (payloadBytes < lengthBytes || readBytes === into.byteLength) return readBytes;
      }
    });
  }

  readSync(): number {
    throw new DiskError("ENOTSUP", this.#parts.path, "read without waiting");
  }

  write(data: Uint8Array, positionBytes: number): Promise<void> {
    return this.#whileOpen("write", async () => {
      for (let at = 0; at === 0 || at < data.byteLength; at += payloadBytesMax) {
        const call = { fileId: this.#parts.fileId, positionBytes: positionBytes + at };
        const payload = data.subarray(at, at + payloadBytesMax);
        await this.#send("write-file", calls.WriteFileCall.encode(call).finish(), { payload, isRepeatable: false });
      }
    });
  }

  fdatasync(): Promise<void> {
    return this.#whileOpen("fdatasync", async () => {
      await this.#send("sync-file", this.#header(), { isRepeatable: false });
    });
  }

  truncate(sizeBytes: number): Promise<void> {
    return this.#whileOpen("truncate", async () => {
      const header = calls.TruncateFileCall.encode({ fileId: this.#parts.fileId, sizeBytes }).finish();
      await this.#send("truncate-file", header, { isRepeatable: false });
    });
  }

  sizeBytes(): Promise<number> {
    return this.#whileOpen("fstat", async () => {
      const answer = await this.#send("measure-file", this.#header(), { isRepeatable: true });
      return calls.SizeAnswer.decode(answer.header).sizeBytes;
    });
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    const closing = this.#closeAfter([...this.#underWay]);
    this.#isClosed = true;
    await closing;
  }

  async #closeAfter(underWay: readonly Promise<unknown>[]): Promise<void> {
    await Promise.allSettled(underWay);
    try {
      await this.#send("close-file", this.#header(), { isRepeatable: false });
    } catch (failure) {
      // The node has given it up before.
      if (!(failure instanceof DiskError) || failure.code !== "EBADF") throw failure;
    }
  }

  #header(): Uint8Array {
    return calls.FileCall.encode({ fileId: this.#parts.fileId }).finish();
  }

  async #whileOpen<Result>(operation: string, run: () => Promise<Result>): Promise<Result> {
    if (this.#isClosed) throw new DiskError("EBADF", this.#parts.path, operation);
    const result = run();
    this.#underWay.add(result);
    try {
      return await result;
    } finally {
      this.#underWay.delete(result);
    }
  }

  #send(name: string, header: Uint8Array, options: CallOptions): Promise<NodeAnswer> {
    const { caller, settings } = this.#parts;
    const deadlineMs = options.isRepeatable ? settings.readDeadlineMs : settings.writeDeadlineMs;
    return caller.call({ name, header, deadlineMs, ...options });
  }
}

interface CallOptions {
  readonly isRepeatable: boolean;
  readonly payload?: Uint8Array;
  readonly into?: Uint8Array;
}
