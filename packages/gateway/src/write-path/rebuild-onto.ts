import { ClusterFailure } from "@kakera/kernel";
import { stripeLayout } from "@kakera/erasure";
import { rebuildShard, rebuildWindowBytes, type Receipt, type ShardDrive, type ShardIdentity } from "@kakera/rpc";
import type { PinnedSlab } from "../slab-lease.ts";
import type { Siblings } from "./send-shards.ts";
import type { BodyWrite } from "./write-chunk.ts";

/**
 * A long shard whose home failed it goes to a substitute: its first stripes are gone from memory by then, so it is made
 * anew out of its siblings, which are durable. In the lease's memory, which its buffers no longer use; a second one waits
 * for that of the first.
 */
export async function rebuildOnto(
  body: BodyWrite,
  job: {
    readonly identity: ShardIdentity;
    readonly end: { readonly chunkSizeBytes: number; readonly shardDigests: Buffer };
    readonly drive: ShardDrive;
    readonly siblings: Siblings;
  },
): Promise<Receipt> {
  const { identity, end, drive, siblings } = job;
  const { k } = identity;
  await siblings.quorum;
  const neededBytes = (k + 1) * rebuildWindowBytes;
  await Promise.race([body.lease.untilUnused(neededBytes), siblings.ended]);
  if (body.lease.unusedBytes < neededBytes)
    throw new ClusterFailure("retry", "drives hang on a write's memory", { reason: "DRIVE_SLOW" });
  const sources = siblings.held().flatMap(({ shardIndex, driveId }) => {
    const source = body.sender.drives.get(driveId);
    return source === undefined ? [] : [{ shardIndex, drive: source }];
  });
  const slabs = Array.from({ length: k + 1 }, () => body.lease.acquire(rebuildWindowBytes));
  const rebuilt = rebuildShard(body.codec, {
    identity,
    ...end,
    sources,
    target: drive,
    work: slabs,
    onBusyArea: (area, released) => void (area as PinnedSlab).pin(released),
    shardSizeBytes: stripeLayout(end.chunkSizeBytes, k).shardSizeBytes,
  });
  try {
    return await slabs.reduce((settled, slab) => slab.pin(settled), rebuilt);
  } finally {
    for (const slab of slabs) slab.retire();
  }
}
