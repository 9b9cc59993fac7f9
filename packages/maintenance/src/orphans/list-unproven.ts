import type { BucketId, DataId, SessionId } from "@kakera/kernel";
import type { View } from "@kakera/metadata";
import type { ShardDescription, ShardDrive, ShardRef } from "@kakera/rpc";
import { findHolder } from "../references/find-holder.ts";
import { allGarbageBodies } from "../references/garbage-bodies.ts";

/** A body of which drives hold shards and no record knows: written after what a view shows, or never committed. */
export interface UnprovenBody {
  readonly dataId: DataId;
  readonly ownerBucketId: BucketId;
  readonly ownerKey: Buffer;
  readonly session: SessionId;
  readonly chunkCount: number;
  readonly sizeBytes: number;
  /** Every chunk has the k shards that it can be read from. */
  readonly isReadable: boolean;
}

interface Gathered {
  readonly first: ShardDescription["identity"];
  /** For each chunk: its size, and its shards. */
  readonly chunks: Map<number, { readonly sizeBytes: number; readonly k: number; readonly shards: Set<number> }>;
}

const shardsPerPage = 512;

/**
 * Looks at every shard of the drives and names the bodies that no object, part or garbage row of the view names (correctness.md F8): what
 * was written after the view's position, and what was never acknowledged. Nobody can tell which. In order of bucket and key. `onProgress`:
 * shards looked at so far.
 */
export async function listUnproven(
  view: View,
  drives: readonly Pick<ShardDrive, "inventory" | "driveId">[],
  onProgress: (shardCount: number) => void = () => undefined,
): Promise<UnprovenBody[]> {
  const garbage = allGarbageBodies(view);
  const known = new Map<DataId, boolean>();
  const unproven = new Map<DataId, Gathered>();
  let shardCount = 0;
  const isKnown = ({ dataId, ownerBucketId, ownerKey }: ShardDescription["identity"]): boolean => {
    const told = known.get(dataId);
    if (told !== undefined) return told;
    const owner = { bucketId: ownerBucketId, objectKey: Buffer.from(ownerKey) };
    const isNamed = garbage.has(dataId) || findHolder(view, owner, dataId) !== null;
    // Shards of one body come near each other; more need not be remembered.
    if (known.size >= rememberedMax) known.clear();
    known.set(dataId, isNamed);
    return isNamed;
  };
  for (const drive of drives) {
    for await (const description of shardsOf(drive)) {
      if (++shardCount % shardsPerPage === 0) onProgress(shardCount);
      if (!isKnown(description.identity)) gather(unproven, description);
    }
  }
  return [...unproven.values()].map(describe).sort(byOwner);
}

const rememberedMax = 100_000;

async function* shardsOf(
  drive: Pick<ShardDrive, "inventory" | "driveId">,
): AsyncGenerator<ShardDescription, void, undefined> {
  for (let after: ShardRef | null = null; ;) {
    const page: ShardDescription[] = await drive.inventory({ group: null, after, limit: shardsPerPage });
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < shardsPerPage) return;
    after = last.identity;
  }
}

function gather(into: Map<DataId, Gathered>, { identity, chunkSizeBytes }: ShardDescription): void {
  const body = into.get(identity.dataId) ?? { first: identity, chunks: new Map() };
  into.set(identity.dataId, body);
  const chunk = body.chunks.get(identity.chunkIndex) ?? { sizeBytes: chunkSizeBytes, k: identity.k, shards: new Set() };
  chunk.shards.add(identity.shardIndex);
  body.chunks.set(identity.chunkIndex, chunk);
}

function describe({ first, chunks }: Gathered): UnprovenBody {
  const all = [...chunks.values()];
  const { dataId, ownerBucketId, session } = first;
  return {
    dataId,
    ownerBucketId,
    ownerKey: Buffer.from(first.ownerKey),
    session,
    chunkCount: all.length,
    sizeBytes: all.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    isReadable: all.every(({ k, shards }) => shards.size >= k),
  };
}

function byOwner(one: UnprovenBody, other: UnprovenBody): number {
  if (one.ownerBucketId !== other.ownerBucketId) return one.ownerBucketId < other.ownerBucketId ? -1 : 1;
  return Buffer.compare(one.ownerKey, other.ownerKey);
}
