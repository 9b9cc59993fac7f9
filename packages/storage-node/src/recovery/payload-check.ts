import { addToSeed, blockSizeBytes, createCodec, shardSeed, type Codec } from "@kakera/erasure";
import type { ShardRef } from "@kakera/rpc";

let codec: Pick<Codec, "hash64"> | null = null;

/**
 * Whether every block of the payload has its stored checksum. Only for what a crash may have torn: in daily work the
 * reader checks, once, end to end.
 */
export function payloadAgrees(ref: ShardRef, payload: Buffer, blockChecksums: Buffer): boolean {
  codec ??= createCodec({ memory: new WebAssembly.Memory({ initial: 4, maximum: 4, shared: true }) });
  const seed = shardSeed(ref.dataId, ref.chunkIndex, ref.shardIndex);
  for (let block = 0; block * blockSizeBytes < payload.byteLength; block++) {
    const bytes = payload.subarray(block * blockSizeBytes, (block + 1) * blockSizeBytes);
    if (codec.hash64(bytes, addToSeed(seed, block)) !== blockChecksums.readBigUInt64LE(block * 8)) return false;
  }
  return true;
}
