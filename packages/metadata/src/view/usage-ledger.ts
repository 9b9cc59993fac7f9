import { idBytes, type BucketId } from "@kakera/kernel";
import type { BucketUsage } from "../ports/view.ts";
import { bytesField, varintField } from "./protobuf-fields.ts";

/** Where a ledger keeps its rows; ids are raw bytes as latin1 text. A row that is null is gone. */
export interface UsageRows {
  bucket(bucketId: string): BucketUsage | null;
  setBucket(bucketId: string, usage: BucketUsage | null): void;
  upload(uploadId: string): UploadUsage | null;
  setUpload(uploadId: string, usage: UploadUsage | null): void;
}

export interface UploadUsage {
  /** null: parts are here, the upload's record is not (yet, or any more). */
  readonly bucketId: string | null;
  readonly partBytes: number;
}

export const noUsage: BucketUsage = { objectCount: 0, sizeBytes: 0, uploadCount: 0, partBytes: 0 };
const [currentTable, uploadTable, partTable] = [0x63, 0x75, 0x70];

/**
 * Usage for each bucket as a function of the view's rows alone, whatever the order they came in: a checkpoint brings parts
 * before the uploads that they belong to, and the image of a running view brings either without the other for a while.
 */
export class UsageLedger {
  readonly #rows: UsageRows;

  constructor(rows: UsageRows) {
    this.#rows = rows;
  }

  /** Only these keys need `observe`, and with it the value that was there. */
  static counts(key: Uint8Array): boolean {
    const table = key[0];
    return table === currentTable || table === uploadTable || table === partTable;
  }

  /** Takes note that `key` held `before` and holds `after` now; null = no such key. Values without the revision prefix. */
  observe(key: Uint8Array, before: Uint8Array | null, after: Uint8Array | null): void {
    if (key[0] === currentTable) {
      this.#add(text(key, 1, 9), {
        objectCount: count(after) - count(before),
        sizeBytes: objectSizeBytes(after) - objectSizeBytes(before),
        uploadCount: 0,
        partBytes: 0,
      });
    } else if (key[0] === partTable) {
      this.#observePart(text(key, 1, 17), partSizeBytes(after) - partSizeBytes(before));
    } else if (key[0] === uploadTable && (before === null) !== (after === null)) {
      this.#observeUpload(text(key, 1, 9), text(key, key.byteLength - 16, key.byteLength), after !== null);
    }
  }

  usage(bucketId: BucketId): BucketUsage {
    return this.#rows.bucket(idBytes(bucketId).toString("latin1")) ?? noUsage;
  }

  #observePart(uploadId: string, bytes: number): void {
    const row = this.#rows.upload(uploadId);
    const partBytes = (row?.partBytes ?? 0) + bytes;
    this.#setUpload(uploadId, { bucketId: row?.bucketId ?? null, partBytes });
    if (row?.bucketId != null)
      this.#add(row.bucketId, { objectCount: 0, sizeBytes: 0, uploadCount: 0, partBytes: bytes });
  }

  #observeUpload(bucketId: string, uploadId: string, isOpen: boolean): void {
    const partBytes = this.#rows.upload(uploadId)?.partBytes ?? 0;
    this.#setUpload(uploadId, { bucketId: isOpen ? bucketId : null, partBytes });
    const sign = isOpen ? 1 : -1;
    this.#add(bucketId, { objectCount: 0, sizeBytes: 0, uploadCount: sign, partBytes: sign * partBytes });
  }

  #setUpload(uploadId: string, usage: UploadUsage): void {
    this.#rows.setUpload(uploadId, usage.bucketId === null && usage.partBytes === 0 ? null : usage);
  }

  #add(bucketId: string, delta: BucketUsage): void {
    const old = this.#rows.bucket(bucketId) ?? noUsage;
    const sum: BucketUsage = {
      objectCount: old.objectCount + delta.objectCount,
      sizeBytes: old.sizeBytes + delta.sizeBytes,
      uploadCount: old.uploadCount + delta.uploadCount,
      partBytes: old.partBytes + delta.partBytes,
    };
    const isEmpty = sum.objectCount === 0 && sum.sizeBytes === 0 && sum.uploadCount === 0 && sum.partBytes === 0;
    this.#rows.setBucket(bucketId, isEmpty ? null : sum);
  }
}

function count(record: Uint8Array | null): number {
  return record === null ? 0 : 1;
}

/** ObjectRecord.size_bytes of an encoded record, without decoding all of it. */
export function objectSizeBytes(record: Uint8Array | null): number {
  return record === null ? 0 : varintField(record, 2);
}

/** PartRecord.part.size_bytes. */
function partSizeBytes(record: Uint8Array | null): number {
  const part = record === null ? null : bytesField(record, 1);
  return part === null ? 0 : varintField(part, 2);
}

function text(bytes: Uint8Array, from: number, to: number): string {
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return buffer.toString("latin1", from, to);
}
