import { blockCount, blockChecksumSizeBytes, blockSizeBytes, shardDigest, shardSeed } from "@kakera/erasure";
import { ClusterFailure } from "@kakera/kernel";
import { bufferReleased, rebuildWindowBytes, type ShardDescription, type ShardDrive, type ShardRef } from "@kakera/rpc";
import type { MaintenanceParts } from "../maintenance-parts.ts";
import { WorkAreas } from "../work-areas.ts";

export interface ShardToVerify {
  readonly drive: ShardDrive;
  readonly ref: ShardRef;
  /** Awaited before each read, with its size. */
  readonly pace?: (bytes: number) => Promise<void>;
}

/**
 * Reads a shard whole: every block against its checksum, and all checksums against the digest in its own footer. Rejects with
 * ClusterFailure `retry` when the drive does not answer.
 */
export async function verifyShard(
  parts: Pick<MaintenanceParts, "codec" | "memory">,
  shard: ShardToVerify,
): Promise<"sound" | "damaged" | "missing"> {
  using work = new WorkAreas(parts.memory, 1, rebuildWindowBytes);
  try {
    const description = await shard.drive.describe(shard.ref);
    return description === null ? "missing" : await verifyPayload(parts, { ...shard, description }, work);
  } catch (failure) {
    if (!(failure instanceof ClusterFailure)) throw failure;
    const released = bufferReleased(failure);
    if (released !== null) work.keepBusy(work.areas[0] as (typeof work.areas)[number], released);
    if (failure.kind === "repair") return "damaged";
    throw failure;
  }
}

async function verifyPayload(
  { codec }: Pick<MaintenanceParts, "codec">,
  { drive, ref, pace, description }: ShardToVerify & { readonly description: ShardDescription },
  work: WorkAreas,
): Promise<"sound" | "damaged" | "missing"> {
  const { shardSizeBytes } = description;
  const area = work.areas[0] as (typeof work.areas)[number];
  const seed = shardSeed(ref.dataId, ref.chunkIndex, ref.shardIndex);
  const checksums = Buffer.allocUnsafe(blockCount(shardSizeBytes) * blockChecksumSizeBytes);
  for (let offsetBytes = 0; offsetBytes < shardSizeBytes; offsetBytes += rebuildWindowBytes) {
    const lengthBytes = Math.min(rebuildWindowBytes, shardSizeBytes - offsetBytes);
    await pace?.(lengthBytes);
    const found = await drive.read(ref, { offsetBytes, lengthBytes }, area.bytes.subarray(0, lengthBytes));
    if (found === null) return "missing";
    const firstBlock = offsetBytes / blockSizeBytes;
    found.blockChecksums.copy(checksums, firstBlock * blockChecksumSizeBytes);
    const input = { offsetBytes: area.offsetBytes, lengthBytes };
    if (found.lengthBytes !== lengthBytes || !codec.verifyBlocks(input, seed, firstBlock, found.blockChecksums))
      return "damaged";
  }
  const digestAt = ref.shardIndex * 8;
  const digest = description.shardDigests.subarray(digestAt, digestAt + 8);
  return shardDigest(checksums).equals(digest) ? "sound" : "damaged";
}
