import type { DriveId } from "@kakera/kernel";

/** A shard that some drive holds. */
export interface HeldShard {
  readonly shardIndex: number;
  readonly driveId: DriveId;
}

export interface ChunkPlaces {
  readonly k: number;
  /** By shard index; null = vacant. */
  readonly homes: readonly (DriveId | null)[];
  /** Where a reader looks besides: substitutes of the repair row and former homes. */
  readonly isFindable: (shardIndex: number, driveId: DriveId) => boolean;
}

export interface ChunkVerdict {
  /** Shards that no reader finds. */
  readonly missing: number;
  readonly isLost: boolean;
  /** Every home holds its shard, and nobody else holds any. */
  readonly isInOrder: boolean;
  /** Held by drives that are not their homes. */
  readonly strays: readonly HeldShard[];
}

/** What a census makes of one chunk. Pure. */
export function judgeChunk({ k, homes, isFindable }: ChunkPlaces, held: readonly HeldShard[]): ChunkVerdict {
  const strays = held.filter(({ shardIndex, driveId }) => homes[shardIndex] !== driveId);
  const atHome = new Set(
    held.filter(({ shardIndex, driveId }) => homes[shardIndex] === driveId).map(({ shardIndex }) => shardIndex),
  );
  const found = new Set(atHome);
  for (const { shardIndex, driveId } of strays) if (isFindable(shardIndex, driveId)) found.add(shardIndex);
  return {
    missing: homes.length - found.size,
    isLost: found.size < k,
    isInOrder: atHome.size === homes.length && strays.length === 0,
    strays,
  };
}
