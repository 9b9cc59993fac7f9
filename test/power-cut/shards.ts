import {
  addToSeed,
  blockCount,
  blockSizeBytes,
  createCodec,
  createSharedMemory,
  shardDigest,
  shardSeed,
} from "@kakera/erasure";
import { createSeededRandom, newId, type BucketId, type SessionId } from "@kakera/kernel";
import type { ShardDrive, ShardIdentity, ShardRef, ShardWrite } from "@kakera/rpc";

const codec = createCodec(createSharedMemory({ sizeBytes: 1024 * 1024 }));
const ids = createSeededRandom(77);
const session = newId("session", ids) as SessionId;
const bucketId = newId("bucket", ids) as BucketId;

/** A whole-copy shard (k = 1, m = 1) with right checksums. */
export function shardOf(ref: ShardRef, payload: Uint8Array): ShardWrite {
  const blockChecksums = checksumsOf(ref, payload);
  const digest = shardDigest(blockChecksums);
  return {
    identity: identityOf(ref),
    chunkSizeBytes: payload.byteLength,
    payload,
    blockChecksums,
    shardDigests: Buffer.concat([digest, digest]),
  };
}

export function identityOf(ref: ShardRef): ShardIdentity {
  const ownerKey = Buffer.from("photos/cat.jpg");
  return { ...ref, pool: 1, epoch: 1, k: 1, m: 1, session, writeNumber: 1, ownerBucketId: bucketId, ownerKey };
}

export function checksumsOf(ref: ShardRef, payload: Uint8Array): Buffer {
  const sums = Buffer.alloc(blockCount(payload.byteLength) * 8);
  const seed = shardSeed(ref.dataId, ref.chunkIndex, ref.shardIndex);
  for (let block = 0; block * blockSizeBytes < payload.byteLength; block += 1) {
    const bytes = payload.subarray(block * blockSizeBytes, (block + 1) * blockSizeBytes);
    sums.writeBigUInt64LE(codec.hash64(bytes, addToSeed(seed, block)), block * 8);
  }
  return sums;
}

/** The payload as a reader gets it: every block verified. Throws when one does not match. */
export async function readVerified(drive: ShardDrive, ref: ShardRef, sizeBytes: number): Promise<Buffer | null> {
  const into = Buffer.alloc(sizeBytes);
  const window = await drive.read(ref, { offsetBytes: 0, lengthBytes: sizeBytes }, into);
  if (window === null) return null;
  const payload = into.subarray(0, window.lengthBytes);
  if (!checksumsOf(ref, payload).equals(window.blockChecksums)) throw new Error("a block does not match its checksum");
  return payload;
}
