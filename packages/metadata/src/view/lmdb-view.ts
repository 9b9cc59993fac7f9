import { open, type Database, type RootDatabase } from "lmdb";
import { assert, GIB, type BucketId } from "@kakera/kernel";
import type {
  BucketUsage,
  Entry,
  Key,
  RangeEntry,
  ViewBatch,
  ViewPosition,
  ViewReaders,
  ViewWrite,
  WritableView,
} from "../ports/view.ts";
import { LmdbEntries, revisionBytes } from "./lmdb-entries.ts";
import { LmdbUsageRows } from "./lmdb-usage-rows.ts";
import { TableGenerations } from "./table-generations.ts";
import { UsageLedger } from "./usage-ledger.ts";
import { isBusyTable, readGenerations, writeGenerations, writeRevision } from "./view-head.ts";

export interface LmdbViewSettings {
  /** Absolute path of a folder of its own. */
  readonly directory: string;
  /** Address space, not disk: the file grows as it needs to. What the view may at most become. */
  readonly mapSizeBytes?: number;
  /** Called by `close` when everything is synced and the file is closed; not when the view broke. */
  readonly closed?: () => Promise<void>;
}

export const mapSizeBytesDefault = 64 * GIB;
const positionKey = Buffer.from("p");
const loadEntriesMax = 10_000;

/**
 * The view in an LMDB file without fsync: it belongs to one process (others may read it: sibling-view.ts), and after a reboot it proves nothing unless the guard
 * beside it says so (guard.ts). Values carry the revision in their first 8 bytes. Rows private to the view (usage,
 * position) are in a database of their own and change in the same transaction. Reads never span an `await`: lmdb-js
 * drops its read transaction at the end of the turn, and pages are copied.
 */
export function openLmdbView(settings: LmdbViewSettings): WritableView {
  return new LmdbView(settings);
}

class LmdbView implements WritableView {
  readonly #root: RootDatabase<Buffer, Buffer>;
  readonly #entries: Database<Buffer, Buffer>;
  readonly #private: Database<Buffer, Buffer>;
  readonly #reads: LmdbEntries;
  #rows: LmdbUsageRows;
  #ledger: UsageLedger;
  readonly #generations: TableGenerations;
  /** Readers in other processes are to learn of generations that changed. */
  #areGenerationsDue = false;
  #position: ViewPosition | null;
  /** A transaction that failed half way leaves the cached rows wrong: nothing may be read or written any more. */
  #isBroken = false;
  readonly #closed: () => Promise<void>;
  #valueScratch = Buffer.allocUnsafe(4096);

  constructor(settings: LmdbViewSettings) {
    this.#closed = settings.closed ?? (async () => {});
    const encodings = { keyEncoding: "binary", encoding: "binary", cache: false } as const;
    this.#root = open<Buffer, Buffer>({
      path: settings.directory,
      noSubdir: false,
      noSync: true,
      overlappingSync: false,
      mapSize: settings.mapSizeBytes ?? mapSizeBytesDefault,
      maxDbs: 2,
      ...encodings,
    });
    this.#entries = this.#root.openDB({ name: "entries", ...encodings });
    this.#private = this.#root.openDB({ name: "private", ...encodings });
    this.#rows = new LmdbUsageRows(this.#private);
    this.#ledger = new UsageLedger(this.#rows);
    const stored = this.#private.getBinary(positionKey);
    this.#position = stored === undefined ? null : (JSON.parse(stored.toString()) as ViewPosition);
    this.#reads = new LmdbEntries(this.#entries);
    this.#generations = new TableGenerations(readGenerations(this.#private));
    // New, or as an earlier version left it: it has no head yet.
    if (readGenerations(this.#private) === null)
      this.#transaction(() => {
        this.#areGenerationsDue = true;
        writeRevision(this.#private, this.#position?.revision ?? null);
      });
  }

  get readers(): ViewReaders {
    return {
      clearDead: () => (this.#root as unknown as { readerCheck(): number }).readerCheck(),
      sizes: () => {
        const stats = this.#root.getStats() as LmdbStats;
        const pages = [this.#entries, this.#private].map((database) => pagesOf(database.getStats() as LmdbStats));
        return {
          fileBytes: stats.lastPageNumber * stats.pageSize,
          liveBytes: pages.reduce((sum, count) => sum + count, 0) * stats.pageSize,
        };
      },
    };
  }

  get appliedRevision(): number {
    return this.#position?.revision ?? 0;
  }

  get position(): ViewPosition | null {
    return this.#position;
  }

  get entryCount(): number {
    return (this.#entries.getStats() as { entryCount: number }).entryCount;
  }

  generation(table: number): number {
    return this.#generations.of(table);
  }

  get(key: Key): Entry | null {
    return this.with(key, (value, revision) => ({ value: Buffer.from(value), revision }));
  }

  with<T>(key: Key, read: (value: Buffer, revision: number) => T): T | null {
    return this.#reads.with(key, read);
  }

  range(from: Key, to: Key, limit: number): RangeEntry[] {
    return this.#reads.range(from, to, limit);
  }

  walk(
    from: Key,
    to: Key,
    visit: (key: Buffer, value: Buffer, revision: number) => "next" | "stop" | { seek: Key },
  ): void {
    this.#reads.walk(from, to, visit);
  }

  last(from: Key, to: Key): RangeEntry | null {
    return this.#reads.last(from, to);
  }

  usage(bucketId: BucketId): BucketUsage {
    return this.#ledger.usage(bucketId);
  }

  apply(batch: ViewBatch): void {
    this.#transaction(() => {
      for (const write of batch.writes) this.#write(write);
      this.#setPosition(batch.position);
    });
  }

  clear(): void {
    this.#generations.touchAll();
    this.#transaction(() => {
      this.#entries.clearSync();
      this.#private.clearSync();
      this.#rows = new LmdbUsageRows(this.#private);
      this.#ledger = new UsageLedger(this.#rows);
      this.#position = null;
      this.#areGenerationsDue = true;
    });
  }

  load(entries: Iterable<RangeEntry>, position: ViewPosition | null): void {
    const iterator = entries[Symbol.iterator]();
    for (let isDone = false; !isDone;) {
      this.#transaction(() => {
        for (let loaded = 0; loaded < loadEntriesMax && !isDone; loaded++) {
          const next = iterator.next();
          if (next.done === true) isDone = true;
          else this.#put(next.value.key, next.value.value, next.value.revision);
        }
        if (isDone) this.#setPosition(position);
      });
    }
  }

  /** Syncs what the page cache holds to the disk, then closes: after it the guard may say "clean". */
  async close(): Promise<void> {
    const isWhole = !this.#isBroken;
    if (isWhole)
      await new Promise<void>((resolve, reject) =>
        syncEnvironment(this.#root, (error) => (error == null ? resolve() : reject(error))),
      );
    await this.#root.close();
    if (isWhole) await this.#closed();
  }

  #transaction(action: () => void): void {
    assert(!this.#isBroken, "a view whose transaction failed is not written again");
    this.#isBroken = true;
    this.#root.transactionSync(() => {
      action();
      this.#rows.flush();
      if (this.#areGenerationsDue) writeGenerations(this.#private, this.#generations);
    });
    this.#areGenerationsDue = false;
    this.#isBroken = false;
  }

  #write(write: ViewWrite): void {
    if (write.kind === "put") this.#put(write.key, write.value, write.revision);
    else if (write.kind === "delete") this.#delete(write.key);
    else this.#deleteRange(write.from, write.to);
  }

  /** Keys first: a cursor must not walk over what is being deleted. */
  #deleteRange(from: Key, to: Key): void {
    const keys = Array.from(this.#entries.getKeys({ start: from as Buffer, end: to as Buffer }));
    for (const key of keys) this.#delete(key);
  }

  #put(key: Key, value: Uint8Array, revision: number): void {
    this.#touch(key);
    if (UsageLedger.counts(key)) this.#ledger.observe(key, this.#valueAt(key), value);
    const storedBytes = revisionBytes + value.byteLength;
    if (this.#valueScratch.byteLength < storedBytes) this.#valueScratch = Buffer.allocUnsafe(storedBytes * 2);
    this.#valueScratch.writeUInt16BE(0, 0);
    this.#valueScratch.writeUIntBE(revision, 2, 6);
    this.#valueScratch.set(value, revisionBytes);
    this.#entries.putSync(key as Buffer, this.#valueScratch.subarray(0, storedBytes));
  }

  #delete(key: Key): void {
    this.#touch(key);
    if (UsageLedger.counts(key)) {
      const value = this.#valueAt(key);
      if (value === null) return;
      this.#ledger.observe(key, value, null);
    }
    this.#entries.removeSync(key as Buffer);
  }

  #touch(key: Key): void {
    this.#generations.touch(key);
    if (!isBusyTable(key[0] as number)) this.#areGenerationsDue = true;
  }

  /** Lent until the next read. */
  #valueAt(key: Key): Buffer | null {
    const stored = this.#entries.getBinaryFast(key as Buffer);
    return stored === undefined ? null : stored.subarray(revisionBytes, stored.length);
  }

  #setPosition(position: ViewPosition | null): void {
    this.#position = position;
    writeRevision(this.#private, position?.revision ?? null);
    if (position === null) this.#private.removeSync(positionKey);
    else this.#private.putSync(positionKey, Buffer.from(JSON.stringify(position)));
  }
}

/** What lmdb-js says of a database, and of its file. */
interface LmdbStats {
  readonly pageSize: number;
  readonly treeBranchPageCount: number;
  readonly treeLeafPageCount: number;
  readonly overflowPages: number;
  readonly lastPageNumber: number;
}

function pagesOf({ treeBranchPageCount, treeLeafPageCount, overflowPages }: LmdbStats): number {
  return treeBranchPageCount + treeLeafPageCount + overflowPages;
}

/** mdb_env_sync(force): lmdb-js has it, its types do not. */
function syncEnvironment(root: object, done: (error: Error | null | undefined) => void): void {
  (root as { sync(callback: typeof done): void }).sync(done);
}
