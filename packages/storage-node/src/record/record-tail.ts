import { crc32 } from "node:zlib";
import { blockChecksumSizeBytes, blockCount } from "@kakera/erasure";
import { assert } from "@kakera/kernel";

/** "KKRT" */
const magic = 0x5452_4b4b;
/** Of a block's checksum and of a shard's digest alike. */
const digestBytes = blockChecksumSizeBytes;
const endBytes = 8;

/** After the payload: the checksums of its blocks, the digests of all shards of the chunk, magic, checksum. */
export interface RecordTail {
  /** 8 bytes for each block. */
  readonly blockChecksums: Buffer;
  /** 8 bytes for each of the k+m shards. */
  readonly shardDigests: Buffer;
}

export function tailBytesOf(payloadBytes: number, shardCount: number): number {
  return (blockCount(payloadBytes) + shardCount) * digestBytes + endBytes;
}

/** What the head says of its tail. */
export interface TailFacts {
  readonly payloadBytes: number;
  /** k + m. */
  readonly shardCount: number;
  readonly checksum: number;
}

/** `into`: exactly `tailBytesOf` bytes. `headChecksum` ties the tail to its head: another record's tail fails. */
export function encodeRecordTail(
  tail: { readonly blockChecksums: Uint8Array; readonly shardDigests: Uint8Array },
  headChecksum: number,
  into: Buffer,
): void {
  const sumsBytes = tail.blockChecksums.byteLength;
  const checkedBytes = sumsBytes + tail.shardDigests.byteLength;
  assert(into.byteLength === checkedBytes + endBytes, "a tail fills its place");
  into.set(tail.blockChecksums, 0);
  into.set(tail.shardDigests, sumsBytes);
  into.writeUInt32LE(magic, checkedBytes);
  into.writeUInt32LE(crc32(into.subarray(0, checkedBytes), headChecksum), checkedBytes + 4);
}

/** Decodes the tail of `head`; null when it is damaged. The parts are views of `bytes`. */
export function decodeRecordTail(bytes: Buffer, head: TailFacts): RecordTail | null {
  const sumsBytes = blockCount(head.payloadBytes) * digestBytes;
  const checkedBytes = sumsBytes + head.shardCount * digestBytes;
  if (bytes.byteLength < checkedBytes + endBytes || bytes.readUInt32LE(checkedBytes) !== magic) return null;
  if (crc32(bytes.subarray(0, checkedBytes), head.checksum) !== bytes.readUInt32LE(checkedBytes + 4)) return null;
  return { blockChecksums: bytes.subarray(0, sumsBytes), shardDigests: bytes.subarray(sumsBytes, checkedBytes) };
}
