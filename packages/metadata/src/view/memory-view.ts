import { assert, type BucketId } from "@kakera/kernel";
import type {
  BucketUsage,
  Entry,
  Key,
  RangeEntry,
  ViewBatch,
  ViewPosition,
  ViewWrite,
  WritableView,
} from "../ports/view.ts";
import { SortedEntries, type SortedEntry } from "./sorted-entries.ts";
import { TableGenerations } from "./table-generations.ts";
import { UsageLedger, type UploadUsage, type UsageRows } from "./usage-ledger.ts";

/**
 * A view in memory, for tests and crash images. It is as unforgiving as the LMDB view: the buffer that `with` and `walk`
 * lend is overwritten as soon as the reader returns, so that code that keeps it fails its tests.
 */
export function createMemoryView(): WritableView {
  return new MemoryView();
}

const spoilByte = 0xdb;

class MemoryView implements WritableView {
  #entries = new SortedEntries();
  #rows = new MemoryUsageRows();
  #ledger = new UsageLedger(this.#rows);
  readonly #generations = new TableGenerations();
  #position: ViewPosition | null = null;

  get appliedRevision(): number {
    return this.#position?.revision ?? 0;
  }

  get position(): ViewPosition | null {
    return this.#position;
  }

  get entryCount(): number {
    return this.#entries.size;
  }

  generation(table: number): number {
    return this.#generations.of(table);
  }

  get(key: Key): Entry | null {
    const entry = this.#entries.find(key);
    return entry === null ? null : { value: Buffer.from(entry.value), revision: entry.revision };
  }

  with<T>(key: Key, read: (value: Buffer, revision: number) => T): T | null {
    const entry = this.#entries.find(key);
    return entry === null ? null : lend(entry, (value) => read(value, entry.revision));
  }

  range(from: Key, to: Key, limit: number): RangeEntry[] {
    const page: RangeEntry[] = [];
    for (const entry of this.#entries.from(from)) {
      if (page.length >= limit || Buffer.compare(entry.key, to) >= 0) break;
      page.push(copyOf(entry));
    }
    return page;
  }

  walk(
    from: Key,
    to: Key,
    visit: (key: Buffer, value: Buffer, revision: number) => "next" | "stop" | { seek: Key },
  ): void {
    let start: Key | null = from;
    while (start !== null) {
      const current: Key = start;
      start = null;
      for (const entry of this.#entries.from(current)) {
        if (Buffer.compare(entry.key, to) >= 0) return;
        const step = lend(entry, (value) => visit(Buffer.from(entry.key), value, entry.revision));
        if (step === "stop") return;
        if (step === "next") continue;
        assert(Buffer.compare(step.seek, entry.key) > 0, "a walk seeks forward");
        start = step.seek;
        break;
      }
    }
  }

  last(from: Key, to: Key): RangeEntry | null {
    const entry = this.#entries.lastBelow(to);
    return entry === null || Buffer.compare(entry.key, from) < 0 ? null : copyOf(entry);
  }

  usage(bucketId: BucketId): BucketUsage {
    return this.#ledger.usage(bucketId);
  }

  apply(batch: ViewBatch): void {
    for (const write of batch.writes) this.#write(write);
    this.#position = batch.position;
  }

  clear(): void {
    this.#generations.touchAll();
    this.#entries = new SortedEntries();
    this.#rows = new MemoryUsageRows();
    this.#ledger = new UsageLedger(this.#rows);
    this.#position = null;
  }

  load(entries: Iterable<RangeEntry>, position: ViewPosition | null): void {
    for (const entry of entries) this.#put(entry.key, entry.value, entry.revision);
    this.#position = position;
  }

  async close(): Promise<void> {}

  #write(write: ViewWrite): void {
    if (write.kind === "put") this.#put(write.key, write.value, write.revision);
    else if (write.kind === "delete") this.#delete(write.key);
    else for (const entry of this.#within(write.from, write.to)) this.#delete(entry.key);
  }

  #within(from: Key, to: Key): SortedEntry[] {
    const found: SortedEntry[] = [];
    for (const entry of this.#entries.from(from)) {
      if (Buffer.compare(entry.key, to) >= 0) break;
      found.push(entry);
    }
    return found;
  }

  #put(key: Key, value: Uint8Array, revision: number): void {
    this.#generations.touch(key);
    const old = this.#entries.find(key);
    const copy = Buffer.from(value);
    if (UsageLedger.counts(key)) this.#ledger.observe(key, old?.value ?? null, copy);
    if (old === null) this.#entries.insert({ key: Buffer.from(key), value: copy, revision });
    else [old.value, old.revision] = [copy, revision];
  }

  #delete(key: Key): void {
    this.#generations.touch(key);
    const old = this.#entries.remove(key);
    if (old !== null && UsageLedger.counts(key)) this.#ledger.observe(key, old.value, null);
  }
}

function copyOf(entry: SortedEntry): RangeEntry {
  return { key: Buffer.from(entry.key), value: Buffer.from(entry.value), revision: entry.revision };
}

function lend<T>(entry: SortedEntry, read: (value: Buffer) => T): T {
  const loan = Buffer.from(entry.value);
  try {
    return read(loan);
  } finally {
    loan.fill(spoilByte);
  }
}

class MemoryUsageRows implements UsageRows {
  readonly #buckets = new Map<string, BucketUsage>();
  readonly #uploads = new Map<string, UploadUsage>();

  bucket(bucketId: string): BucketUsage | null {
    return this.#buckets.get(bucketId) ?? null;
  }

  setBucket(bucketId: string, usage: BucketUsage | null): void {
    if (usage === null) this.#buckets.delete(bucketId);
    else this.#buckets.set(bucketId, usage);
  }

  upload(uploadId: string): UploadUsage | null {
    return this.#uploads.get(uploadId) ?? null;
  }

  setUpload(uploadId: string, usage: UploadUsage | null): void {
    if (usage === null) this.#uploads.delete(uploadId);
    else this.#uploads.set(uploadId, usage);
  }
}
