import { DiskError, GIB, type Disk, type DiskFile, type DiskStat, type OpenMode } from "@kakera/kernel";
import { splitDiskPath } from "../disk-path.ts";
import { addEntry, MemoryTree, moveEntry, removeEntry, type MemoryFile, type MemoryNode } from "./memory-tree.ts";
import { OpenFile, type OpenFileParts } from "./open-file.ts";

export interface MemoryDiskOptions {
  /** Room for file contents; a write beyond it fails with ENOSPC. */
  readonly totalBytes?: number;
  /** What the disk holds at first, e.g. a crash image. The disk owns it from then on. */
  readonly tree?: MemoryTree;
  /** Told by `stat`; two disks of one machine differ in it. */
  readonly deviceId?: number;
}

/** A disk in memory: fast, and without any wait but the promise's own. */
export function createMemoryDisk(options: MemoryDiskOptions = {}): Disk {
  return new MemoryDisk(options);
}

class MemoryDisk implements Disk {
  readonly #tree: MemoryTree;
  readonly #totalBytes: number;
  readonly #deviceId: number;
  #usedBytes = 0;

  constructor(options: MemoryDiskOptions) {
    this.#tree = options.tree ?? new MemoryTree();
    this.#totalBytes = options.totalBytes ?? GIB;
    this.#deviceId = options.deviceId ?? 1;
    for (const file of this.#tree.files()) this.#usedBytes += file.bytes.sizeBytes;
  }

  async open(path: string, mode: OpenMode): Promise<DiskFile> {
    const canWrite = mode.access !== "read";
    const isDirect = mode.isDirect === true;
    const room = (growthBytes: number): void => this.#take(path, growthBytes);
    const parts = { path, canWrite, isDirect, room };
    if (mode.access !== "create") return new OpenMemoryFile(this.#tree.fileAt(path, "open"), parts);
    const file = this.#tree.newFile();
    addEntry(this.#tree.entryAt(path, "open"), file);
    return new OpenMemoryFile(file, parts);
  }

  async rename(from: string, to: string): Promise<void> {
    this.#give(moveEntry(this.#tree.entryAt(from, "rename"), this.#tree.entryAt(to, "rename")));
  }

  async unlink(path: string): Promise<void> {
    this.#give(removeEntry(this.#tree.entryAt(path, "unlink")));
  }

  async makeDirectory(path: string): Promise<void> {
    let folder = this.#tree.root;
    for (const name of splitDiskPath(path)) {
      const existing = folder.entries.get(name);
      if (existing?.kind === "file") throw new DiskError("ENOTDIR", path, "mkdir");
      const next = existing ?? this.#tree.newFolder();
      folder.entries.set(name, next);
      folder = next;
    }
  }

  async syncDirectory(path: string): Promise<void> {
    this.#tree.folderAt(path, "fsync");
  }

  async list(path: string): Promise<string[]> {
    return [...this.#tree.folderAt(path, "readdir").entries.keys()].sort();
  }

  async stat(path: string): Promise<DiskStat | null> {
    return statOf(this.#tree.find(path), this.#deviceId);
  }

  async space(): Promise<{ freeBytes: number; totalBytes: number }> {
    return { freeBytes: Math.max(0, this.#totalBytes - this.#usedBytes), totalBytes: this.#totalBytes };
  }

  #take(path: string, growthBytes: number): void {
    if (this.#usedBytes + growthBytes > this.#totalBytes && growthBytes > 0)
      throw new DiskError("ENOSPC", path, "write");
    this.#usedBytes += growthBytes;
  }

  #give(dropped: MemoryNode | undefined): void {
    if (dropped?.kind === "file") this.#usedBytes -= dropped.bytes.sizeBytes;
  }
}

export function statOf(node: MemoryNode | undefined, deviceId: number): DiskStat | null {
  if (node === undefined) return null;
  const isDirectory = node.kind === "folder";
  return { sizeBytes: isDirectory ? 0 : node.bytes.sizeBytes, isDirectory, deviceId };
}

interface OpenMemoryParts extends OpenFileParts {
  /** Accounts for growth (or, negative, for shrinking); throws ENOSPC. */
  readonly room: (growthBytes: number) => void;
}

class OpenMemoryFile extends OpenFile {
  readonly #room: (growthBytes: number) => void;

  constructor(file: MemoryFile, parts: OpenMemoryParts) {
    super(file, parts);
    this.#room = parts.room;
  }

  async write(data: Uint8Array, positionBytes: number): Promise<void> {
    this.checkWritable("write");
    this.checkTransfer(data, positionBytes);
    if (data.byteLength === 0) return;
    this.#room(Math.max(0, positionBytes + data.byteLength - this.file.bytes.sizeBytes));
    this.file.bytes.writeAt(data, positionBytes);
  }

  async fdatasync(): Promise<void> {
    this.check("fdatasync");
  }

  async truncate(sizeBytes: number): Promise<void> {
    this.checkWritable("ftruncate");
    this.#room(sizeBytes - this.file.bytes.sizeBytes);
    this.file.bytes.truncate(sizeBytes);
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }
}
