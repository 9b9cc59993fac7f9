import { blockChecksumSizeBytes, blockCount, blockSizeBytes } from "@kakera/erasure";
import { alignUp, assert, isAligned, type DiskFile, type DriveId } from "@kakera/kernel";
import type { ShardIdentity } from "@kakera/rpc";
import { containerSeed } from "../record/container-seed.ts";
import { encodeRecordHead } from "../record/record-head.ts";
import { encodeRecordTail, tailBytesOf } from "../record/record-tail.ts";

/** O_DIRECT's unit, and the room for the head before the payload. */
const blockBytes = 4096;
/** Writes below this cost more than the copy that makes them larger. */
const directWriteBytes = 1024 * 1024;
/** Blocks of a shard at most: 64 MiB, and what is left of one that is larger. */
const blocksMax = 2048;
export const stagingBytes =
  directWriteBytes + alignUp(tailBytesOf(blocksMax * blockSizeBytes, 32), blockBytes) + blockBytes;

export interface OwnFileEnd {
  readonly driveId: DriveId;
  readonly identity: ShardIdentity;
  readonly sequence: number;
  readonly chunkSizeBytes: number;
  readonly shardDigests: Uint8Array;
}

/**
 * Writes one record into a file of its own: head at 0, payload at 4 KiB, tail on the next block. Every write is of whole
 * blocks. Pieces of 1 MiB and more go straight from the caller's memory when they are aligned; others are gathered.
 */
export class OwnFileWriter {
  readonly #file: DiskFile;
  readonly #staging: Buffer;
  #stagedBytes = 0;
  /** Where the staged bytes go. */
  #position = blockBytes;
  #payloadBytes = 0;
  #checksums: Buffer[] = [];

  constructor(file: DiskFile, staging: Buffer) {
    this.#file = file;
    this.#staging = staging;
  }

  get payloadBytes(): number {
    return this.#payloadBytes;
  }

  /** `payload` must not change until this settles. */
  async append(payload: Uint8Array, blockChecksums: Uint8Array): Promise<void> {
    assert(this.#payloadBytes % blockSizeBytes === 0, "only the last piece of a shard ends within a block");
    const sumsBytes = blockCount(payload.byteLength) * blockChecksumSizeBytes;
    assert(blockChecksums.byteLength === sumsBytes, "every block has its checksum");
    this.#checksums.push(Buffer.from(blockChecksums));
    this.#payloadBytes += payload.byteLength;
    assert(blockCount(this.#payloadBytes) <= blocksMax, "a shard has at most 128 MiB");
    const isStraight = this.#stagedBytes === 0 && payload.byteLength >= directWriteBytes && isAligned(payload);
    await this.#stage(isStraight ? await this.#writeStraight(payload) : payload);
  }

  /** Writes what is left, tail and head; durable when it resolves. */
  async finish(end: OwnFileEnd): Promise<void> {
    const { identity, sequence, chunkSizeBytes } = end;
    const seed = containerSeed(end.driveId, { kind: "own-file", sequence });
    const tailOffset = alignUp(blockBytes + this.#payloadBytes, blockBytes);
    const payloadBytes = this.#payloadBytes;
    const head = Buffer.alloc(blockBytes);
    const checksum = encodeRecordHead(
      {
        kind: "shard",
        identity,
        sequence,
        killsUpTo: 0,
        chunkSizeBytes,
        payloadBytes,
        payloadOffset: blockBytes,
        tailOffset,
      },
      seed,
      head,
    );
    await this.#writeTail({ blockChecksums: Buffer.concat(this.#checksums), shardDigests: end.shardDigests }, checksum);
    this.#staging.set(head);
    await this.#file.write(this.#staging.subarray(0, blockBytes), 0);
    await this.#file.fdatasync();
  }

  /** Writes the whole blocks and returns the rest. */
  async #writeStraight(payload: Uint8Array): Promise<Uint8Array> {
    const wholeBytes = payload.byteLength - (payload.byteLength % blockBytes);
    await this.#file.write(payload.subarray(0, wholeBytes), this.#position);
    this.#position += wholeBytes;
    return payload.subarray(wholeBytes);
  }

  async #stage(payload: Uint8Array): Promise<void> {
    for (let at = 0; at < payload.byteLength;) {
      const countBytes = Math.min(payload.byteLength - at, directWriteBytes - this.#stagedBytes);
      this.#staging.set(payload.subarray(at, at + countBytes), this.#stagedBytes);
      this.#stagedBytes += countBytes;
      at += countBytes;
      if (this.#stagedBytes === directWriteBytes) await this.#writeStaged(directWriteBytes);
    }
  }

  async #writeTail(tail: { blockChecksums: Buffer; shardDigests: Uint8Array }, headChecksum: number): Promise<void> {
    const tailStart = alignUp(this.#stagedBytes, blockBytes);
    const tailEnd = tailStart + tail.blockChecksums.byteLength + tail.shardDigests.byteLength + 8;
    this.#staging.fill(0, this.#stagedBytes, alignUp(tailEnd, blockBytes));
    encodeRecordTail(tail, headChecksum, this.#staging.subarray(tailStart, tailEnd));
    await this.#writeStaged(alignUp(tailEnd, blockBytes));
  }

  async #writeStaged(lengthBytes: number): Promise<void> {
    await this.#file.write(this.#staging.subarray(0, lengthBytes), this.#position);
    this.#position += lengthBytes;
    this.#stagedBytes = 0;
  }
}
