import type { DriveId } from "@kakera/kernel";
import type { Group } from "@kakera/metadata";
import type { ShardDescription } from "@kakera/rpc";

/** A chunk as the drives of its group hold it, whether a record names it or not. */
export interface HeldChunk {
  /** By shard index: who holds it, and its header. Shards of the group's k+m that nobody holds are absent. */
  readonly shards: Map<number, Map<DriveId, ShardDescription>>;
  /** Of any of its shards: what all of them say of the chunk. */
  readonly sample: ShardDescription;
}

/** What some drives hold of one group, by chunk. */
export class GroupHoldings {
  readonly chunks = new Map<string, HeldChunk>();

  add(driveId: DriveId, description: ShardDescription): void {
    const { dataId, chunkIndex, shardIndex } = description.identity;
    const name = `${dataId}/${chunkIndex}`;
    const chunk = this.chunks.get(name) ?? { shards: new Map(), sample: description };
    this.chunks.set(name, chunk);
    const holders = chunk.shards.get(shardIndex) ?? new Map<DriveId, ShardDescription>();
    chunk.shards.set(shardIndex, holders.set(driveId, description));
  }
}

/** All drives that a group names: its homes, and those of lists before. */
export function drivesOfGroup({ homes, previous }: Group): DriveId[] {
  return [...new Set([...homes, ...previous.flat()].filter((driveId) => driveId !== null))];
}

export interface FormerPlace {
  readonly driveId: DriveId;
  readonly description: ShardDescription;
}

/** Shards of the chunk on drives that are not their homes. */
export function formerPlaces({ shards }: HeldChunk, homes: Group["homes"]): FormerPlace[] {
  return [...shards].flatMap(([shardIndex, holders]) =>
    [...holders]
      .filter(([driveId]) => homes[shardIndex] !== driveId)
      .map(([driveId, description]) => ({ driveId, description })),
  );
}
