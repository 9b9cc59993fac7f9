export {
  createSharedMemory,
  slabAlignmentBytes,
  slabSizeBytesMax,
  type SharedMemory,
  type Slab,
} from "./memory/shared-memory.ts";
export { createCodec, type Codec, type CodecMemory, type CodecSettings } from "./codec.ts";
export { kernelRegionSizeBytes } from "./kernel.ts";
export { blockChecksumSizeBytes, blockCount, blockSizeBytes, type ByteRange } from "./block-checksums.ts";
export { checksumKinds } from "./checksum-kinds.ts";
export { shardDigest } from "./shard-digest.ts";
export { addToSeed, shardSeed, type Seed } from "./seed.ts";
export {
  stripeAt,
  stripeCount,
  stripeLayout,
  stripeUnitBytesMax,
  type Stripe,
  type StripeLayout,
} from "./stripe-layout.ts";
export { blockWindow, shardPieces, shardWindow, type Extent, type ShardPiece } from "./shard-pieces.ts";
export { createMd5, type Md5, type Md5Input } from "./md5/md5.ts";
export type { Md5Stream } from "./md5/md5-stream.ts";
