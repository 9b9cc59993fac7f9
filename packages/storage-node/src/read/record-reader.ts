import { ClusterFailure, type DriveId, type Logger } from "@kakera/kernel";
import type { ByteWindow, ShardRef, ShardWindow } from "@kakera/rpc";
import { placeBytes, type Place, type SegmentPlace } from "../index/index-values.ts";
import type { DriveMetrics } from "../metrics.ts";
import { ownFilePath } from "../own-file/own-file-name.ts";
import { containerSeed } from "../record/container-seed.ts";
import { decodeRecordHead, headBytesMax, proveShardHead, type RecordHead } from "../record/record-head.ts";
import { decodeRecordTail, tailBytesOf, type RecordTail } from "../record/record-tail.ts";
import { isSameRef } from "../record/whole-record.ts";
import { cutWindow, type PayloadCut } from "./cut-window.ts";
import type { FileCache, FileLease } from "./file-cache.ts";
import { ProvenRecords, type ProvenRecord } from "./proven-records.ts";
import { BufferPool } from "../buffer-pool.ts";
import { SegmentNames } from "./segment-names.ts";

export interface RecordReaderParts {
  readonly driveId: DriveId;
  readonly files: FileCache;
  readonly metrics: DriveMetrics;
  readonly logger: Logger;
  readonly wholeReadBytesMax: number;
}

/** A record's own description of itself, proven. */
export interface RecordFacts {
  readonly head: RecordHead;
  readonly tail: RecordTail;
}

interface FoundRecord {
  readonly ref: ShardRef;
  readonly place: SegmentPlace;
}

/**
 * Reads records at their places and proves their heads and tails: that this is the record that was asked for, and none
 * that a misdirected read or write put there. Rejects with DiskError, or ClusterFailure `repair` when the record is damaged.
 */
export class RecordReader {
  readonly #parts: RecordReaderParts;
  readonly #scratch: BufferPool;
  readonly #scratchNow: Buffer;
  readonly #proven = new ProvenRecords();
  readonly #segments: SegmentNames;

  constructor(parts: RecordReaderParts) {
    this.#parts = parts;
    this.#scratch = new BufferPool(32, () => Buffer.allocUnsafeSlow(parts.wholeReadBytesMax));
    this.#segments = new SegmentNames(parts.driveId);
    this.#scratchNow = Buffer.alloc(parts.wholeReadBytesMax);
  }

  async readWindow(ref: ShardRef, place: Place, window: ByteWindow, into: Uint8Array): Promise<ShardWindow> {
    const lease = await this.#parts.files.lease(this.#pathOf(ref, place));
    try {
      if (this.#isReadWhole(place)) return await this.#readThroughScratch(lease, { ref, place }, window, into);
      const record = this.#proven.get(place) ?? (await this.#prove(lease, ref, place));
      const cut = cutWindow(window, record.payloadBytes);
      const readBytes = await lease.file.read(into.subarray(0, cut.lengthBytes), record.payloadStart + cut.offsetBytes);
      if (readBytes !== cut.lengthBytes) throw this.#damaged(ref, "the payload ends early");
      return this.#windowOf(record, record.blockChecksums, cut);
    } finally {
      lease.release();
    }
  }

  /** undefined: the record would take more than one read, or its file is not open. */
  readWindowNow(ref: ShardRef, place: SegmentPlace, window: ByteWindow, into: Uint8Array): ShardWindow | undefined {
    const isWhole = this.#isReadWhole(place);
    const record = isWhole ? null : this.#proven.get(place);
    if (record === null && !isWhole) return undefined;
    const file = this.#parts.files.peek(this.#segments.path(place.segmentId));
    if (file === null) return undefined;
    if (record !== null) {
      const cut = cutWindow(window, record.payloadBytes);
      const readBytes = file.readSync(into.subarray(0, cut.lengthBytes), record.payloadStart + cut.offsetBytes);
      if (readBytes !== cut.lengthBytes) throw this.#damaged(ref, "the payload ends early");
      return this.#windowOf(record, record.blockChecksums, cut);
    }
    const bytes = this.#scratchNow.subarray(0, placeBytes(place));
    const readBytes = file.readSync(bytes, place.offset);
    return this.#cutOut(bytes.subarray(0, readBytes), { ref, place }, window, into);
  }

  async readFacts(ref: ShardRef, place: Place): Promise<RecordFacts> {
    const lease = await this.#parts.files.lease(this.#pathOf(ref, place));
    try {
      return await this.#readHeadAndTail(lease, ref, place);
    } finally {
      lease.release();
    }
  }

  #isReadWhole(place: Place): place is SegmentPlace {
    return place.kind === "segment" && placeBytes(place) <= this.#parts.wholeReadBytesMax;
  }

  async #readThroughScratch(
    lease: FileLease,
    record: FoundRecord,
    window: ByteWindow,
    into: Uint8Array,
  ): Promise<ShardWindow> {
    const scratch = this.#scratch.take();
    const bytes = scratch.subarray(0, placeBytes(record.place));
    const readBytes = await lease.file.read(bytes, record.place.offset);
    try {
      return this.#cutOut(bytes.subarray(0, readBytes), record, window, into);
    } finally {
      this.#scratch.give(scratch);
    }
  }

  /** Proves a record that lies whole in `bytes`, and copies the window's part of it out. */
  #cutOut(bytes: Buffer, { ref, place }: FoundRecord, window: ByteWindow, into: Uint8Array): ShardWindow {
    const head = proveShardHead(bytes, this.#segments.seed(place.segmentId), { ref, sequence: place.sequence });
    const tail = head === null ? null : decodeRecordTail(bytes.subarray(head.tailOffset), head);
    if (head === null || tail === null) throw this.#damaged(ref, "the record's head or tail does not match");
    const cut = cutWindow(window, head.payloadBytes);
    const start = head.payloadOffset + cut.offsetBytes;
    into.set(bytes.subarray(start, start + cut.lengthBytes));
    return this.#windowOf(head, Buffer.from(tail.blockChecksums), cut);
  }

  #windowOf(
    record: { readonly payloadBytes: number; readonly chunkSizeBytes: number },
    blockChecksums: Buffer,
    cut: PayloadCut,
  ): ShardWindow {
    this.#parts.metrics.bytesRead(cut.lengthBytes);
    return {
      lengthBytes: cut.lengthBytes,
      blockChecksums: blockChecksums.subarray(cut.checksumOffset, cut.checksumOffset + cut.checksumBytes),
      shardSizeBytes: record.payloadBytes,
      chunkSizeBytes: record.chunkSizeBytes,
    };
  }

  async #prove(lease: FileLease, ref: ShardRef, place: Place): Promise<ProvenRecord> {
    const { head, tail } = await this.#readHeadAndTail(lease, ref, place);
    const record = {
      payloadStart: startOf(place) + head.payloadOffset,
      payloadBytes: head.payloadBytes,
      chunkSizeBytes: head.chunkSizeBytes,
      blockChecksums: tail.blockChecksums,
    };
    this.#proven.add(place, record);
    return record;
  }

  async #readHeadAndTail(lease: FileLease, ref: ShardRef, place: Place): Promise<RecordFacts> {
    const start = startOf(place);
    const headBytes = Buffer.allocUnsafe(place.kind === "segment" ? place.headBytes : headBytesMax);
    const gotBytes = await lease.file.read(headBytes, start);
    const head = decodeRecordHead(headBytes.subarray(0, gotBytes), containerSeed(this.#parts.driveId, place));
    if (head === null || !isRecordOf(head, ref, place)) throw this.#damaged(ref, "the record's head does not match");
    const tailBytes = Buffer.allocUnsafe(tailBytesOf(head.payloadBytes, head.shardCount));
    const gotTailBytes = await lease.file.read(tailBytes, start + head.tailOffset);
    const tail = decodeRecordTail(tailBytes.subarray(0, gotTailBytes), head);
    if (tail === null) throw this.#damaged(ref, "the record's tail does not match");
    return { head, tail };
  }

  #pathOf(ref: ShardRef, place: Place): string {
    return place.kind === "segment" ? this.#segments.path(place.segmentId) : ownFilePath(ref, place.sequence);
  }

  #damaged(ref: ShardRef, message: string): ClusterFailure {
    this.#parts.metrics.bitrotFound();
    this.#parts.logger.log("error", "shard.damaged", { ...ref, message });
    return new ClusterFailure("repair", message, { reason: "BITROT_FOUND" });
  }
}

function isRecordOf(head: RecordHead, ref: ShardRef, place: Place): boolean {
  return head.kind === "shard" && head.sequence === place.sequence && isSameRef(head.identity, ref);
}

function startOf(place: Place): number {
  return place.kind === "segment" ? place.offset : 0;
}
