import type { Database } from "lmdb";
import type { BucketUsage } from "../ports/view.ts";
import { noUsage, type UploadUsage, type UsageRows } from "./usage-ledger.ts";

const [bucketPrefix, uploadPrefix] = ["b", "u"];
const bucketIdBytes = 8;

/** Usage rows in the view's private database. Buckets stay in memory; what a batch touched is written once, at its end. */
export class LmdbUsageRows implements UsageRows {
  readonly #database: Database<Buffer, Buffer>;
  readonly #buckets = new Map<string, BucketUsage>();
  readonly #dirtyBuckets = new Set<string>();
  readonly #dirtyUploads = new Map<string, UploadUsage | null>();

  constructor(database: Database<Buffer, Buffer>) {
    this.#database = database;
    for (const key of database.getKeys({ start: Buffer.from(bucketPrefix), end: Buffer.from("c") })) {
      this.#buckets.set(key.toString("latin1", 1), decodeBucket(database.getBinary(key) as Buffer));
    }
  }

  bucket(bucketId: string): BucketUsage | null {
    return this.#buckets.get(bucketId) ?? null;
  }

  setBucket(bucketId: string, usage: BucketUsage | null): void {
    if (usage === null) this.#buckets.delete(bucketId);
    else this.#buckets.set(bucketId, usage);
    this.#dirtyBuckets.add(bucketId);
  }

  upload(uploadId: string): UploadUsage | null {
    const dirty = this.#dirtyUploads.get(uploadId);
    if (dirty !== undefined) return dirty;
    const stored = this.#database.getBinary(Buffer.from(uploadPrefix + uploadId, "latin1"));
    return stored === undefined ? null : decodeUpload(stored);
  }

  setUpload(uploadId: string, usage: UploadUsage | null): void {
    this.#dirtyUploads.set(uploadId, usage);
  }

  /** Writes what changed since the last flush, within the caller's transaction. */
  flush(): void {
    for (const bucketId of this.#dirtyBuckets) {
      const usage = this.#buckets.get(bucketId);
      this.#store(bucketPrefix + bucketId, usage === undefined ? null : encodeBucket(usage));
    }
    for (const [uploadId, usage] of this.#dirtyUploads) {
      this.#store(uploadPrefix + uploadId, usage === null ? null : encodeUpload(usage));
    }
    this.#dirtyBuckets.clear();
    this.#dirtyUploads.clear();
  }

  #store(key: string, value: Buffer | null): void {
    if (value === null) this.#database.removeSync(Buffer.from(key, "latin1"));
    else this.#database.putSync(Buffer.from(key, "latin1"), value);
  }
}

/** For those who only read the view. `bucketId`: raw bytes as latin1 text. */
export function readBucketUsage(database: Database<Buffer, Buffer>, bucketId: string): BucketUsage {
  const stored = database.getBinary(Buffer.from(bucketPrefix + bucketId, "latin1"));
  return stored === undefined ? noUsage : decodeBucket(stored);
}

function encodeBucket(usage: BucketUsage): Buffer {
  const row = Buffer.allocUnsafe(32);
  row.writeDoubleLE(usage.objectCount, 0);
  row.writeDoubleLE(usage.sizeBytes, 8);
  row.writeDoubleLE(usage.uploadCount, 16);
  row.writeDoubleLE(usage.partBytes, 24);
  return row;
}

function decodeBucket(row: Buffer): BucketUsage {
  return {
    objectCount: row.readDoubleLE(0),
    sizeBytes: row.readDoubleLE(8),
    uploadCount: row.readDoubleLE(16),
    partBytes: row.readDoubleLE(24),
  };
}

function encodeUpload(usage: UploadUsage): Buffer {
  const row = Buffer.alloc(usage.bucketId === null ? 8 : 8 + bucketIdBytes);
  row.writeDoubleLE(usage.partBytes, 0);
  if (usage.bucketId !== null) row.write(usage.bucketId, 8, "latin1");
  return row;
}

function decodeUpload(row: Buffer): UploadUsage {
  return { partBytes: row.readDoubleLE(0), bucketId: row.byteLength > 8 ? row.toString("latin1", 8) : null };
}
