import nodeFs from "node:fs";
import { join, resolve } from "node:path";
import { DiskError, type Disk, type DiskFile, type DiskStat, type OpenMode } from "@kakera/kernel";
import { splitDiskPath, splitFolderAndName } from "../disk-path.ts";
import { call, errnoOf, type FileCalls } from "./file-calls.ts";
import { NodeFile } from "./node-file.ts";

const { constants } = nodeFs;

/**
 * The real driver: one drive directory of the machine. The directory must exist; it is never made here, so that a
 * missing mount cannot fill the disk below it.
 */
export function createNodeDisk(rootDirectory: string, options: { readonly calls?: FileCalls } = {}): Disk {
  return new NodeDisk(resolve(rootDirectory), options.calls ?? nodeFs);
}

class NodeDisk implements Disk {
  readonly #root: string;
  readonly #calls: FileCalls;

  constructor(root: string, calls: FileCalls) {
    this.#root = root;
    this.#calls = calls;
  }

  async open(path: string, mode: OpenMode): Promise<DiskFile> {
    const place = this.#filePlaceOf(path);
    const flags = openFlags(mode);
    const direct = mode.isDirect === true ? (constants.O_DIRECT ?? 0) : 0;
    const file = (descriptor: number, isDirect: boolean): DiskFile =>
      new NodeFile({
        descriptor,
        path,
        calls: this.#calls,
        isDirect,
        flags: flags & ~(constants.O_CREAT | constants.O_EXCL),
      });
    if (direct !== 0) {
      try {
        return file(await this.#openPlace(place, flags | direct), true);
      } catch (error) {
        if (errnoOf(error) !== "EINVAL") throw new DiskError(errnoOf(error), path, "open", error);
        // The file system has no O_DIRECT. Linux makes the file before it finds out, so the second open must accept it.
        if (mode.access === "create") await this.#guard("unlink", path, () => this.#dropLeftover(place));
      }
    }
    return file(await this.#guard("open", path, () => this.#openPlace(place, flags)), false);
  }

  async rename(from: string, to: string): Promise<void> {
    const [fromPlace, toPlace] = [this.#filePlaceOf(from), this.#filePlaceOf(to)];
    await this.#guard("rename", from, () => call<void>((done) => this.#calls.rename(fromPlace, toPlace, done)));
  }

  async unlink(path: string): Promise<void> {
    const place = this.#filePlaceOf(path);
    await this.#guard("unlink", path, () => call<void>((done) => this.#calls.unlink(place, done)));
  }

  async makeDirectory(path: string): Promise<void> {
    let place = this.#root;
    for (const component of splitDiskPath(path)) {
      place = join(place, component);
      await this.#guard("mkdir", path, () => this.#makeOneFolder(place));
    }
  }

  async syncDirectory(path: string): Promise<void> {
    const place = this.#placeOf(path);
    await this.#guard("fsync", path, async () => {
      const descriptor = await this.#openPlace(place, constants.O_RDONLY | constants.O_DIRECTORY);
      try {
        await call<void>((done) => this.#calls.fsync(descriptor, done));
      } finally {
        await call<void>((done) => this.#calls.close(descriptor, done));
      }
    });
  }

  async list(path: string): Promise<string[]> {
    const place = this.#placeOf(path);
    const names = await this.#guard("readdir", path, () => call<string[]>((done) => this.#calls.readdir(place, done)));
    return names.sort();
  }

  async stat(path: string): Promise<DiskStat | null> {
    const place = this.#placeOf(path);
    try {
      const stat = await call<nodeFs.Stats>((done) => this.#calls.stat(place, done));
      return { sizeBytes: stat.size, isDirectory: stat.isDirectory(), deviceId: stat.dev };
    } catch (error) {
      if (["ENOENT", "ENOTDIR"].includes(errnoOf(error))) return null;
      throw new DiskError(errnoOf(error), path, "stat", error);
    }
  }

  async space(): Promise<{ freeBytes: number; totalBytes: number; freeInodes?: number }> {
    const found = await this.#guard("statfs", ".", () =>
      call<nodeFs.StatsFs>((done) => this.#calls.statfs(this.#root, done)),
    );
    // bavail, not bfree: what the file system keeps for root is not ours to fill.
    const space = { freeBytes: found.bavail * found.bsize, totalBytes: found.blocks * found.bsize };
    // File systems that make inodes as they need them (btrfs) say that they have none at all.
    return found.files === 0 ? space : { ...space, freeInodes: found.ffree };
  }

  async #makeOneFolder(place: string): Promise<void> {
    try {
      await call<void>((done) => this.#calls.mkdir(place, done));
    } catch (error) {
      if (errnoOf(error) !== "EEXIST") throw error;
      const stat = await call<nodeFs.Stats>((done) => this.#calls.stat(place, done));
      if (!stat.isDirectory()) throw new DiskError("ENOTDIR", place, "mkdir", error);
    }
  }

  async #dropLeftover(place: string): Promise<void> {
    try {
      await call<void>((done) => this.#calls.unlink(place, done));
    } catch (error) {
      if (errnoOf(error) !== "ENOENT") throw error;
    }
  }

  #openPlace(place: string, flags: number): Promise<number> {
    return call<number>((done) => this.#calls.open(place, flags, 0o640, done));
  }

  #filePlaceOf(path: string): string {
    const { folder, name } = splitFolderAndName(path);
    return join(this.#placeOf(folder), name);
  }

  /** The place on the machine. splitDiskPath has refused every path that could leave the root. */
  #placeOf(path: string): string {
    return join(this.#root, ...splitDiskPath(path));
  }

  async #guard<Result>(operation: string, path: string, run: () => Promise<Result>): Promise<Result> {
    try {
      return await run();
    } catch (error) {
      throw new DiskError(errnoOf(error), path, operation, error);
    }
  }
}

function openFlags(mode: OpenMode): number {
  const synchronous = mode.isSynchronous === true ? constants.O_DSYNC : 0;
  // O_NOFOLLOW: a planted symbolic link must not lead a write out of the drive.
  const access = {
    read: constants.O_RDONLY,
    write: constants.O_RDWR,
    create: constants.O_RDWR | constants.O_CREAT | constants.O_EXCL,
  }[mode.access];
  return access | synchronous | constants.O_NOFOLLOW;
}
