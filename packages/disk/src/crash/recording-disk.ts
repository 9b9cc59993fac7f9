import { assert, DiskError, GIB, type Disk, type DiskFile, type DiskStat, type OpenMode } from "@kakera/kernel";
import { splitDiskPath } from "../disk-path.ts";
import { statOf } from "../memory/memory-disk.ts";
import {
  addEntry,
  moveEntry,
  removeEntry,
  type Entry,
  type MemoryFile,
  type MemoryFolder,
  type MemoryNode,
  type MemoryTree,
} from "../memory/memory-tree.ts";
import { OpenFile } from "../memory/open-file.ts";
import type { Action, CallOutcome, Place } from "./history.ts";

export interface Recorder {
  /** Records the call's start, lets some turns pass, does it by `effect`, and records its end. Rejects with what `effect` throws. */
  perform(action: Action, effect: () => CallOutcome): Promise<CallOutcome>;
  syncFails(path: string): boolean;
}

interface Parts {
  readonly recorder: Recorder;
  readonly deviceId: number;
}

/** A drive in memory as a running program sees it; the recorder is told of every change and every sync. */
export class RecordingDisk implements Disk {
  readonly #tree: MemoryTree;
  readonly #recorder: Recorder;
  readonly #deviceId: number;

  constructor(tree: MemoryTree, parts: Parts) {
    this.#tree = tree;
    this.#recorder = parts.recorder;
    this.#deviceId = parts.deviceId;
  }

  async open(path: string, mode: OpenMode): Promise<DiskFile> {
    const parts = { path, mode, recorder: this.#recorder };
    if (mode.access !== "create") return new RecordingFile(this.#tree.fileAt(path, "open"), parts);
    const entry = this.#tree.entryAt(path, "open");
    if (entry.folder.entries.has(entry.name)) throw new DiskError("EEXIST", path, "open");
    const file = this.#tree.newFile();
    await this.#add(entry, file);
    return new RecordingFile(file, parts);
  }

  async rename(from: string, to: string): Promise<void> {
    const [source, target] = [this.#tree.entryAt(from, "rename"), this.#tree.entryAt(to, "rename")];
    if (!source.folder.entries.has(source.name)) throw new DiskError("ENOENT", from, "rename");
    if (source.folder === target.folder && source.name === target.name) return;
    await this.#recorder.perform({ kind: "move", from: placeOf(source), to: placeOf(target) }, () => {
      moveEntry(source, target);
      return "done";
    });
  }

  async unlink(path: string): Promise<void> {
    const entry = this.#tree.entryAt(path, "unlink");
    await this.#recorder.perform({ kind: "remove", at: placeOf(entry) }, () => {
      removeEntry(entry);
      return "done";
    });
  }

  async makeDirectory(path: string): Promise<void> {
    let folder = this.#tree.root;
    for (const name of splitDiskPath(path)) {
      if (!folder.entries.has(name)) {
        await this.#add({ folder, name }, this.#tree.newFolder()).catch((error: unknown) => {
          // Another caller made it meanwhile, as it may between two mkdir calls of the machine.
          if ((error as DiskError).code !== "EEXIST") throw error;
        });
      }
      const next = folder.entries.get(name);
      if (next?.kind !== "folder") throw new DiskError("ENOTDIR", path, "mkdir");
      folder = next;
    }
  }

  async syncDirectory(path: string): Promise<void> {
    const folder: MemoryFolder = this.#tree.folderAt(path, "fsync");
    const fails = this.#recorder.syncFails(path);
    await this.#recorder.perform({ kind: "sync-folder", folder: folder.id }, () => (fails ? "failed" : "done"));
    if (fails) throw new DiskError("EIO", path, "fsync");
  }

  async list(path: string): Promise<string[]> {
    return [...this.#tree.folderAt(path, "readdir").entries.keys()].sort();
  }

  async stat(path: string): Promise<DiskStat | null> {
    return statOf(this.#tree.find(path), this.#deviceId);
  }

  async space(): Promise<{ freeBytes: number; totalBytes: number }> {
    let usedBytes = 0;
    for (const file of this.#tree.files()) usedBytes += file.bytes.sizeBytes;
    return { freeBytes: Math.max(0, GIB - usedBytes), totalBytes: GIB };
  }

  async #add(entry: Entry, node: MemoryNode): Promise<void> {
    const action: Action = { kind: "add", at: placeOf(entry), node: node.id, nodeKind: node.kind };
    await this.#recorder.perform(action, () => {
      addEntry(entry, node);
      return "done";
    });
  }
}

interface RecordingParts {
  readonly path: string;
  readonly mode: OpenMode;
  readonly recorder: Recorder;
}

class RecordingFile extends OpenFile {
  readonly #recorder: Recorder;
  readonly #isSynchronous: boolean;
  readonly #callsOut = new Set<Promise<unknown>>();

  constructor(file: MemoryFile, { path, mode, recorder }: RecordingParts) {
    super(file, { path, canWrite: mode.access !== "read", isDirect: mode.isDirect === true });
    this.#recorder = recorder;
    this.#isSynchronous = mode.isSynchronous === true;
  }

  async write(data: Uint8Array, positionBytes: number): Promise<void> {
    this.checkWritable("write");
    this.checkTransfer(data, positionBytes);
    if (data.byteLength === 0) return;
    const isSynchronous = this.#isSynchronous;
    const fails = isSynchronous && this.#recorder.syncFails(this.path);
    const copy = Uint8Array.from(data);
    const action: Action = { kind: "write", file: this.file.id, positionBytes, data: copy, isSynchronous };
    await this.#perform(action, () => {
      assert(Buffer.compare(copy, data) === 0, `a buffer stays as it is while it is written: ${this.path}`);
      this.file.bytes.writeAt(copy, positionBytes);
      return fails ? "failed" : "done";
    });
    if (fails) throw new DiskError("EIO", this.path, "write");
  }

  async fdatasync(): Promise<void> {
    this.check("fdatasync");
    const fails = this.#recorder.syncFails(this.path);
    await this.#perform({ kind: "fdatasync", file: this.file.id }, () => (fails ? "failed" : "done"));
    if (fails) throw new DiskError("EIO", this.path, "fdatasync");
  }

  async truncate(sizeBytes: number): Promise<void> {
    this.checkWritable("ftruncate");
    await this.#perform({ kind: "truncate", file: this.file.id, sizeBytes }, () => {
      this.file.bytes.truncate(sizeBytes);
      return "done";
    });
  }

  async close(): Promise<void> {
    this.isClosed = true;
    await Promise.allSettled(this.#callsOut);
  }

  async #perform(action: Action, effect: () => CallOutcome): Promise<void> {
    const call = this.#recorder.perform(action, effect);
    this.#callsOut.add(call);
    try {
      await call;
    } finally {
      this.#callsOut.delete(call);
    }
  }
}

function placeOf(entry: Entry): Place {
  return { folder: entry.folder.id, name: entry.name };
}
