import { assert, DiskError, type Disk, type DiskFile, type OpenMode } from "@kakera/kernel";

export type DiskOperation =
  | "open"
  | "read"
  | "readSync"
  | "write"
  | "fdatasync"
  | "truncate"
  | "sizeBytes"
  | "close"
  | "rename"
  | "unlink"
  | "makeDirectory"
  | "syncDirectory"
  | "list"
  | "stat"
  | "space";

export interface DiskCall {
  readonly operation: DiskOperation;
  /** Of a rename, the old name. */
  readonly path: string;
  /** Of a read or write; else 0. */
  readonly positionBytes: number;
  readonly lengthBytes: number;
  /** How many calls this disk had before. */
  readonly ordinal: number;
}

/**
 * - `fail`: nothing is done, the call rejects. `fail-after`: it is done, and rejects all the same.
 * - `hang`: it is done once `until` resolves.
 * - `short-read`: the file seems to end after `lengthBytes` of the read.
 * - `partial-write`: only the first `lengthBytes` are written, then it rejects.
 * - `flip`: these bits, counted from the start of the transfer, are inverted on their way.
 */
export type DiskFault =
  | { readonly kind: "fail"; readonly code: string }
  | { readonly kind: "fail-after"; readonly code: string }
  | { readonly kind: "hang"; readonly until: Promise<void> }
  | { readonly kind: "short-read"; readonly lengthBytes: number }
  | { readonly kind: "partial-write"; readonly lengthBytes: number; readonly code: string }
  | { readonly kind: "flip"; readonly bits: readonly number[] };

export type FaultScript = (call: DiskCall) => DiskFault | null;

/** A disk that fails as the script says; for tests. */
export function faultyDisk(disk: Disk, script: FaultScript): Disk {
  let callCount = 0;
  const judge: Judge = (operation, path, positionBytes = 0, lengthBytes = 0) =>
    script({ operation, path, positionBytes, lengthBytes, ordinal: callCount++ });
  const run = async <Result>(operation: DiskOperation, path: string, start: () => Promise<Result>): Promise<Result> =>
    runWith(judge(operation, path), { operation, path, start });
  return {
    open: async (path: string, mode: OpenMode) =>
      new FaultyFile(await run("open", path, () => disk.open(path, mode)), path, judge),
    rename: (from, to) => run("rename", from, () => disk.rename(from, to)),
    unlink: (path) => run("unlink", path, () => disk.unlink(path)),
    makeDirectory: (path) => run("makeDirectory", path, () => disk.makeDirectory(path)),
    syncDirectory: (path) => run("syncDirectory", path, () => disk.syncDirectory(path)),
    list: (path) => run("list", path, () => disk.list(path)),
    stat: (path) => run("stat", path, () => disk.stat(path)),
    space: () => run("space", "", () => disk.space()),
  };
}

type Judge = (operation: DiskOperation, path: string, positionBytes?: number, lengthBytes?: number) => DiskFault | null;

interface Attempt<Result> {
  readonly operation: DiskOperation;
  readonly path: string;
  readonly start: () => Promise<Result>;
}

async function runWith<Result>(fault: DiskFault | null, attempt: Attempt<Result>): Promise<Result> {
  if (fault === null) return attempt.start();
  switch (fault.kind) {
    case "fail":
      throw new DiskError(fault.code, attempt.path, attempt.operation);
    case "fail-after":
      await attempt.start();
      throw new DiskError(fault.code, attempt.path, attempt.operation);
    case "hang":
      await fault.until;
      return attempt.start();
    case "short-read":
    case "partial-write":
    case "flip":
      throw new TypeError(`${fault.kind} does not fit ${attempt.operation}`);
  }
}

class FaultyFile implements DiskFile {
  readonly #file: DiskFile;
  readonly #path: string;
  readonly #judge: Judge;

  constructor(file: DiskFile, path: string, judge: Judge) {
    this.#file = file;
    this.#path = path;
    this.#judge = judge;
  }

  async read(into: Uint8Array, positionBytes: number): Promise<number> {
    const fault = this.#judge("read", this.#path, positionBytes, into.byteLength);
    if (fault?.kind === "short-read") return this.#file.read(into.subarray(0, fault.lengthBytes), positionBytes);
    if (fault?.kind !== "flip") return this.#run("read", fault, () => this.#file.read(into, positionBytes));
    const countBytes = await this.#file.read(into, positionBytes);
    flipBits(into, fault.bits);
    return countBytes;
  }

  readSync(into: Uint8Array, positionBytes: number): number {
    const fault = this.#judge("readSync", this.#path, positionBytes, into.byteLength);
    if (fault?.kind === "short-read") return this.#file.readSync(into.subarray(0, fault.lengthBytes), positionBytes);
    if (fault?.kind === "fail") throw new DiskError(fault.code, this.#path, "readSync");
    assert(fault === null || fault.kind === "flip", "a blocking read can only fail, end early or flip bits");
    const countBytes = this.#file.readSync(into, positionBytes);
    if (fault?.kind === "flip") flipBits(into, fault.bits);
    return countBytes;
  }

  async write(data: Uint8Array, positionBytes: number): Promise<void> {
    const fault = this.#judge("write", this.#path, positionBytes, data.byteLength);
    if (fault?.kind === "partial-write") {
      await this.#file.write(data.subarray(0, fault.lengthBytes), positionBytes);
      throw new DiskError(fault.code, this.#path, "write");
    }
    if (fault?.kind !== "flip") return this.#run("write", fault, () => this.#file.write(data, positionBytes));
    const stored = Uint8Array.from(data);
    flipBits(stored, fault.bits);
    await this.#file.write(stored, positionBytes);
  }

  fdatasync(): Promise<void> {
    return this.#run("fdatasync", this.#judge("fdatasync", this.#path), () => this.#file.fdatasync());
  }

  truncate(sizeBytes: number): Promise<void> {
    return this.#run("truncate", this.#judge("truncate", this.#path), () => this.#file.truncate(sizeBytes));
  }

  sizeBytes(): Promise<number> {
    return this.#run("sizeBytes", this.#judge("sizeBytes", this.#path), () => this.#file.sizeBytes());
  }

  close(): Promise<void> {
    return this.#run("close", this.#judge("close", this.#path), () => this.#file.close());
  }

  #run<Result>(operation: DiskOperation, fault: DiskFault | null, start: () => Promise<Result>): Promise<Result> {
    return runWith(fault, { operation, path: this.#path, start });
  }
}

function flipBits(bytes: Uint8Array, bits: readonly number[]): void {
  for (const bit of bits) {
    const index = bit >> 3;
    if (index < bytes.byteLength) bytes[index] = (bytes[index] ?? 0) ^ (1 << (bit & 7));
  }
}
