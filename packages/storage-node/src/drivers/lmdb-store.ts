import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { open, type RootDatabase } from "lmdb";
import { AssertionFailure, digestOfFile, DiskError, GIB } from "@kakera/kernel";
import { isAsClosed, isTrustworthy, readGuard, syncPath, writeGuard } from "./index-guard.ts";
import type { OrderedStore, StoreChange } from "../index/ordered-store.ts";

/** Of the keys and values in the store: another one is rebuilt. */
const indexVersion = 1;
/** Address space, not disk. */
const mapSizeBytes = 64 * GIB;
const dataFolder = "lmdb";
/** errno, as LMDB reports it. */
const noSpace = 28;

export interface LmdbStoreSettings {
  /** Absolute path of a folder of its own, e.g. DIR/.kakera/state/index. */
  readonly directory: string;
  /** What the index is of: the drive's id. */
  readonly lineage: string;
  /** `readBootId()`. null: not known; then only a clean index is kept. */
  readonly bootId: string | null;
  /**
   * SHA-256 in hex of lmdb/data.mdb below the folder; null: it cannot be read. What it rejects with ends the opening or the
   * closing: so a drive that hangs holds neither up for ever. Default: read with no bound of time.
   */
  readonly digest?: () => Promise<string | null>;
}

/** An index in LMDB, without fsync; deleted first when it may not be whole. The process' only opener of the folder. */
export async function openLmdbStore(settings: LmdbStoreSettings): Promise<OrderedStore> {
  const { directory, lineage, bootId } = settings;
  const guard = { bootId, lineage, version: indexVersion };
  const folder = join(directory, dataFolder);
  const dataPath = join(folder, "data.mdb");
  const found = readGuard(directory);
  const digest = settings.digest ?? (() => digestOfFile(dataPath));
  if (!isTrustworthy(found, guard) || !(await isAsClosed(found, digest)))
    rmSync(folder, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  writeGuard(directory, { ...guard, standing: "opening" });
  const root = openOrStartAnew(folder);
  writeGuard(directory, { ...guard, standing: "in-use" });
  const onClosed = async (): Promise<void> => {
    // First, and without blocking: of a drive that hangs this does not come back well, and what follows is not begun; of one
    // that went there is nothing, and nothing is made again where another device may be mounted next.
    const content = await digest();
    if (content === null) return;
    // LMDB wrote through the page cache: fsync of its file is what its own sync would do.
    syncPath(dataPath);
    try {
      writeGuard(directory, { ...guard, standing: "clean", content });
    } catch (error) {
      // It went while it was being read: the guard went with it.
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  };
  return new LmdbStore(root, folder, onClosed);
}

/** This boot of the machine; null where the kernel does not tell. */
export function readBootId(): string | null {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return null;
  }
}

function openOrStartAnew(folder: string): RootDatabase<Buffer, Buffer> {
  try {
    return openRoot(folder);
  } catch {
    // Derived data that does not open is made again.
    rmSync(folder, { recursive: true, force: true });
    return openRoot(folder);
  }
}

function openRoot(folder: string): RootDatabase<Buffer, Buffer> {
  return open<Buffer, Buffer>({
    path: folder,
    noSubdir: false,
    noSync: true,
    overlappingSync: false,
    mapSize: mapSizeBytes,
    maxDbs: 1,
    keyEncoding: "binary",
    encoding: "binary",
    cache: false,
  });
}

class LmdbStore implements OrderedStore {
  readonly #root: RootDatabase<Buffer, Buffer>;
  readonly #folder: string;
  readonly #onClosed: () => Promise<void>;
  readonly #change: StoreChange;

  constructor(root: RootDatabase<Buffer, Buffer>, folder: string, onClosed: () => Promise<void>) {
    this.#root = root;
    this.#folder = folder;
    this.#onClosed = onClosed;
    this.#change = {
      get: (key) => this.get(key),
      put: (key, value) => root.putSync(key, value),
      delete: (key) => void root.removeSync(key),
    };
  }

  get(key: Buffer): Buffer | undefined {
    return this.#root.getBinaryFast(key);
  }

  range(from: Buffer, until: Buffer, limit: number): [Buffer, Buffer][] {
    const found: [Buffer, Buffer][] = [];
    for (const { key, value } of this.#root.getRange({
      start: from,
      end: until,
      limit: Math.min(limit, 2 ** 31 - 1),
    })) {
      found.push([key, value]);
    }
    return found;
  }

  transact(work: (change: StoreChange) => void): void {
    try {
      this.#root.transactionSync(() => work(this.#change));
    } catch (error) {
      if (error instanceof AssertionFailure) throw error;
      const isFull = (error as { code?: unknown }).code === noSpace;
      throw new DiskError(isFull ? "ENOSPC" : "EIO", this.#folder, "index", error);
    }
  }

  async close(): Promise<void> {
    await this.#root.close();
    await this.#onClosed();
  }
}
