import { open, type Database, type RootDatabase } from "lmdb";
import { ClusterFailure, idBytes, type BucketId } from "@kakera/kernel";
import type { BucketUsage, Entry, Key, RangeEntry, View } from "../ports/view.ts";
import { LmdbEntries } from "./lmdb-entries.ts";
import { readBucketUsage } from "./lmdb-usage-rows.ts";
import { mapSizeBytesDefault } from "./lmdb-view.ts";
import { isBusyTable, readHead, type ViewHead } from "./view-head.ts";

/** The view that another process of this machine writes. */
export interface SiblingView extends View {
  /** What is read from now on is at least as new as what the writer had applied at this moment. */
  refresh(): void;
  close(): Promise<void>;
}

export interface SiblingViewSettings {
  readonly directory: string;
  readonly mapSizeBytes?: number;
}

/**
 * Opens a view that its writer has open. Its place is the writer's to judge: nothing here says whether the file may be believed, so
 * open only what a writer that lives has told of.
 *
 * Every read is of one state of the file: LMDB's read transaction, which is renewed by `refresh` and ends with the turn of the event
 * loop (a reader that keeps one has the file grow without bound: correctness.md F22). What is remembered of that state, its
 * revision and generations, is read out of the same transaction; so is whether the view is whole. One that is being filled
 * anew answers nothing: reads throw ClusterFailure `retry`.
 */
export function openSiblingView(settings: SiblingViewSettings): SiblingView {
  return new LmdbSiblingView(settings);
}

class LmdbSiblingView implements SiblingView {
  readonly #root: RootDatabase<Buffer, Buffer>;
  readonly #entries: Database<Buffer, Buffer>;
  readonly #private: Database<Buffer, Buffer>;
  readonly #reads: LmdbEntries;
  /** Of the read transaction that is open; null: none is, or it was not looked at yet. */
  #head: ViewHead | null = null;

  constructor({ directory, mapSizeBytes = mapSizeBytesDefault }: SiblingViewSettings) {
    const encodings = { keyEncoding: "binary", encoding: "binary", cache: false } as const;
    this.#root = open<Buffer, Buffer>({
      path: directory,
      noSubdir: false,
      readOnly: true,
      // As the writer has it: what LMDB does not find so it refuses.
      noSync: true,
      overlappingSync: false,
      mapSize: mapSizeBytes,
      maxDbs: 2,
      ...encodings,
    });
    this.#entries = this.#root.openDB({ name: "entries", ...encodings });
    this.#private = this.#root.openDB({ name: "private", ...encodings });
    this.#reads = new LmdbEntries(this.#entries);
    const renewed = (): void => {
      this.#head = null;
    };
    for (const database of [this.#root, this.#entries, this.#private])
      internals(database).on("begin-transaction", renewed);
  }

  refresh(): void {
    internals(this.#root).resetReadTxn();
    this.#head = null;
  }

  get appliedRevision(): number {
    return this.#whole().revision;
  }

  get entryCount(): number {
    this.#whole();
    return (this.#entries.getStats() as { entryCount: number }).entryCount;
  }

  generation(table: number): number {
    const { revision, generations } = this.#whole();
    return isBusyTable(table) ? revision : (generations[table] as number);
  }

  get(key: Key): Entry | null {
    return this.with(key, (value, revision) => ({ value: Buffer.from(value), revision }));
  }

  with<T>(key: Key, read: (value: Buffer, revision: number) => T): T | null {
    this.#whole();
    return this.#reads.with(key, read);
  }

  range(from: Key, to: Key, limit: number): RangeEntry[] {
    this.#whole();
    return this.#reads.range(from, to, limit);
  }

  walk(
    from: Key,
    to: Key,
    visit: (key: Buffer, value: Buffer, revision: number) => "next" | "stop" | { seek: Key },
  ): void {
    this.#whole();
    this.#reads.walk(from, to, visit);
  }

  last(from: Key, to: Key): RangeEntry | null {
    this.#whole();
    return this.#reads.last(from, to);
  }

  usage(bucketId: BucketId): BucketUsage {
    this.#whole();
    return readBucketUsage(this.#private, idBytes(bucketId).toString("latin1"));
  }

  close(): Promise<void> {
    return this.#root.close();
  }

  /** The head of the state that is being read. */
  #whole(): ViewHead {
    // Renews what was reset, which forgets the head of the state before: first.
    internals(this.#private).ensureReadTxn();
    this.#head ??= readHead(this.#private);
    if (this.#head === null)
      throw new ClusterFailure("retry", "the view is being read anew", { reason: "VIEW_BEHIND" });
    return this.#head;
  }
}

/** What lmdb-js has and its types do not. */
interface ReadTransactions {
  /** Ends the read transaction of all databases of the file, if one is open; the next read begins another. */
  resetReadTxn(): void;
  /** Begins one, if none is open. */
  ensureReadTxn(): void;
  on(event: "begin-transaction", listener: () => void): void;
}

function internals(database: object): ReadTransactions {
  return database as ReadTransactions;
}
