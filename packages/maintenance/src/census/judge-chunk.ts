import type { DriveId } from "@kakera/kernel";
import { spareDomains } from "../strength/spare-domains.ts";

/** A shard that some drive holds. */
export interface HeldShard {
  readonly shardIndex: number;
  readonly driveId: DriveId;
}

export interface ChunkPlaces {
  readonly k: number;
  /** By shard index, each in a failure domain of its own; null = vacant. */
  readonly homes: readonly (DriveId | null)[];
  /** Where a reader looks besides: substitutes of the repair row and former homes. */
  readonly isFindable: (shardIndex: number, driveId: DriveId) => boolean;
  readonly domainOf: (driveId: DriveId) => string;
}

export interface ChunkVerdict {
  /** The chunk bears as many losses of a domain as one that lacks so many of its k+m shards. */
  readonly missing: number;
  /** Losses that it bears yet; below 0: shards that it is short of k. */
  readonly spareShards: number;
  readonly isLost: boolean;
  /** Every home holds its shard, and nobody else holds any. */
  readonly isInOrder: boolean;
  /** Held by drives that are not their homes. */
  readonly strays: readonly HeldShard[];
}

/** What a census makes of one chunk. Pure. */
export function judgeChunk({ k, homes, isFindable, domainOf }: ChunkPlaces, held: readonly HeldShard[]): ChunkVerdict {
  const strays = held.filter(({ shardIndex, driveId }) => homes[shardIndex] !== driveId);
  const places = homes.map((home, shardIndex) =>
    held
      .filter((shard) => shard.shardIndex === shardIndex)
      .filter(({ driveId }) => driveId === home || isFindable(shardIndex, driveId))
      .map(({ driveId }) => domainOf(driveId)),
  );
  const spareShards = spareDomains(places, k);
  return {
    missing: homes.length - k - spareShards,
    spareShards,
    isLost: spareShards < 0,
    isInOrder:
      strays.length === 0 &&
      homes.every((home, index) => held.some((shard) => shard.shardIndex === index && shard.driveId === home)),
    strays,
  };
}
