import { DiskError } from "@kakera/kernel";
import { splitDiskPath, splitFolderAndName } from "../disk-path.ts";
import { FileBytes } from "./file-bytes.ts";

export interface MemoryFolder {
  readonly kind: "folder";
  readonly id: number;
  readonly entries: Map<string, MemoryNode>;
}
export interface MemoryFile {
  readonly kind: "file";
  readonly id: number;
  readonly bytes: FileBytes;
}
export type MemoryNode = MemoryFolder | MemoryFile;

/** A name's place: the folder that holds it, and the name in it. */
export interface Entry {
  readonly folder: MemoryFolder;
  readonly name: string;
}

/** Folders and files in memory, with the errors that a POSIX file system gives. */
export class MemoryTree {
  readonly root: MemoryFolder;
  #nextId = 1;

  constructor(root: MemoryFolder = { kind: "folder", id: 0, entries: new Map() }) {
    this.root = root;
    for (const node of walk(root)) this.#nextId = Math.max(this.#nextId, node.id + 1);
  }

  newFile(bytes = new FileBytes()): MemoryFile {
    return { kind: "file", id: this.#nextId++, bytes };
  }

  newFolder(): MemoryFolder {
    return { kind: "folder", id: this.#nextId++, entries: new Map() };
  }

  find(path: string): MemoryNode | undefined {
    let node: MemoryNode | undefined = this.root;
    for (const component of splitDiskPath(path)) {
      if (node?.kind !== "folder") return undefined;
      node = node.entries.get(component);
    }
    return node;
  }

  folderAt(path: string, operation: string): MemoryFolder {
    const node = this.find(path);
    if (node === undefined) throw new DiskError("ENOENT", path, operation);
    if (node.kind !== "folder") throw new DiskError("ENOTDIR", path, operation);
    return node;
  }

  entryAt(path: string, operation: string): Entry {
    const { folder, name } = splitFolderAndName(path);
    return { folder: this.folderAt(folder, operation), name };
  }

  fileAt(path: string, operation: string): MemoryFile {
    const node = this.find(path);
    if (node === undefined) throw new DiskError("ENOENT", path, operation);
    if (node.kind !== "file") throw new DiskError("EISDIR", path, operation);
    return node;
  }

  /** The same content under the same numbers, in a tree of its own. */
  share(): MemoryTree {
    return new MemoryTree(shareFolder(this.root));
  }

  *files(): Generator<MemoryFile> {
    for (const node of walk(this.root)) if (node.kind === "file") yield node;
  }
}

/** Throws what link(2) with O_EXCL would, or does it. */
export function addEntry({ folder, name }: Entry, node: MemoryNode): void {
  if (folder.entries.has(name)) throw new DiskError("EEXIST", name, "create");
  folder.entries.set(name, node);
}

export function removeEntry({ folder, name }: Entry): MemoryNode {
  const node = folder.entries.get(name);
  if (node === undefined) throw new DiskError("ENOENT", name, "unlink");
  if (node.kind === "folder") throw new DiskError("EISDIR", name, "unlink");
  folder.entries.delete(name);
  return node;
}

/** Returns what `to` named before, if anything. */
export function moveEntry(from: Entry, to: Entry): MemoryNode | undefined {
  const moved = from.folder.entries.get(from.name);
  if (moved === undefined) throw new DiskError("ENOENT", from.name, "rename");
  const replaced = to.folder.entries.get(to.name);
  if (replaced === moved) return undefined;
  if (replaced?.kind === "folder" && moved.kind === "file") throw new DiskError("EISDIR", to.name, "rename");
  if (replaced?.kind === "file" && moved.kind === "folder") throw new DiskError("ENOTDIR", to.name, "rename");
  if (replaced?.kind === "folder" && replaced.entries.size > 0) throw new DiskError("ENOTEMPTY", to.name, "rename");
  if (moved.kind === "folder" && [...walk(moved)].includes(to.folder)) throw new DiskError("EINVAL", to.name, "rename");
  from.folder.entries.delete(from.name);
  to.folder.entries.set(to.name, moved);
  return replaced;
}

function shareFolder(folder: MemoryFolder): MemoryFolder {
  const entries = new Map<string, MemoryNode>();
  for (const [name, node] of folder.entries) {
    entries.set(name, node.kind === "folder" ? shareFolder(node) : { ...node, bytes: node.bytes.share() });
  }
  return { ...folder, entries };
}

function* walk(node: MemoryNode): Generator<MemoryNode> {
  yield node;
  if (node.kind === "folder") for (const child of node.entries.values()) yield* walk(child);
}
