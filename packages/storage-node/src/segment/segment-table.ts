import { crc32 } from "node:zlib";
import { alignUp, assert } from "@kakera/kernel";
import { decodeEntry, encodeEntry, entryBytes, recordBytesOf, type RecordEntry } from "../record/record-entry.ts";
import { readUint64, writeUint64 } from "../record/numbers.ts";
import { segmentBlockBytes } from "./segment-header.ts";

/** "KKTB" */
const magic = 0x4254_4b4b;
const version = 1;
const checkedBytes = 40;
/** The last bytes of a sealed segment. */
export const trailerBytes = 64;

/** Grows with the active segment and becomes the table at its end. Encoded at once: objects would take three times the memory. */
export class TableBuilder {
  #bytes = Buffer.alloc(entryBytes * 64);
  #count = 0;
  #recordBytes = 0;

  get count(): number {
    return this.#count;
  }

  /** Of all records in the table. */
  get recordBytes(): number {
    return this.#recordBytes;
  }

  add(entry: RecordEntry): void {
    this.#recordBytes += recordBytesOf(entry);
    const needed = (this.#count + 1) * entryBytes;
    if (needed > this.#bytes.byteLength) {
      const grown = Buffer.alloc(this.#bytes.byteLength * 2);
      this.#bytes.copy(grown);
      this.#bytes = grown;
    }
    encodeEntry(entry, this.#bytes, this.#count * entryBytes);
    this.#count += 1;
  }

  /** What is written at `tableOffset` of the segment: entries, padding, trailer; ends on a block's end. */
  finish(tableOffset: number, seed: number): Buffer {
    const entriesBytes = this.#count * entryBytes;
    const bytes = Buffer.alloc(alignUp(entriesBytes + trailerBytes, segmentBlockBytes));
    this.#bytes.copy(bytes, 0, 0, entriesBytes);
    const at = bytes.byteLength - trailerBytes;
    bytes.writeUInt32LE(magic, at);
    bytes.writeUInt16LE(version, at + 4);
    writeUint64(bytes, tableOffset, at + 8);
    bytes.writeUInt32LE(this.#count, at + 16);
    writeUint64(bytes, tableOffset + bytes.byteLength, at + 24);
    bytes.writeUInt32LE(crc32(bytes.subarray(0, entriesBytes), seed), at + 32);
    bytes.writeUInt32LE(crc32(bytes.subarray(at, at + checkedBytes - 4), seed), at + 36);
    return bytes;
  }
}

export interface TableTrailer {
  readonly tableOffset: number;
  readonly entryCount: number;
  readonly entriesChecksum: number;
}

/** `bytes`: the last `trailerBytes` of a file of `fileBytes`. null: the segment is not sealed, or its trailer is damaged. */
export function decodeTrailer(bytes: Buffer, seed: number, fileBytes: number): TableTrailer | null {
  if (bytes.byteLength < trailerBytes || bytes.readUInt32LE(0) !== magic || bytes.readUInt16LE(4) !== version)
    return null;
  if (crc32(bytes.subarray(0, checkedBytes - 4), seed) !== bytes.readUInt32LE(36)) return null;
  if (readUint64(bytes, 24) !== fileBytes) return null;
  return {
    tableOffset: readUint64(bytes, 8),
    entryCount: bytes.readUInt32LE(16),
    entriesChecksum: bytes.readUInt32LE(32),
  };
}

/** `bytes`: the table's entries. null: damaged. */
export function decodeTable(bytes: Buffer, trailer: TableTrailer, seed: number): RecordEntry[] | null {
  assert(bytes.byteLength === trailer.entryCount * entryBytes, "a table is read whole");
  if (crc32(bytes, seed) !== trailer.entriesChecksum) return null;
  const entries: RecordEntry[] = [];
  for (let at = 0; at < bytes.byteLength; at += entryBytes) {
    const entry = decodeEntry(bytes, at);
    if (entry === null) return null;
    entries.push(entry);
  }
  return entries;
}
