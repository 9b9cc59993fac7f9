import type { DriveId, Geometry } from "@kakera/kernel";
import type { ClusterMap } from "@kakera/metadata";
import { groupsOf } from "@kakera/placement";
import type { ShardDrive } from "@kakera/rpc";

/** How much the placement groups of a pool bear by the drives that answer now. */
export interface PoolStrength {
  /** 1, 2, ... */
  readonly pool: number;
  readonly geometry: Geometry;
  /** Groups by the homes that answer beyond the k that a read needs; below 0: what lies there cannot be read at its homes. */
  readonly groupsBySpare: ReadonlyMap<number, number>;
  /** Homes that answer, of the group that has fewest. */
  readonly homesOnlineMin: number;
  /** Drives that may still lack shards which were written while they were away. */
  readonly behindCount: number;
}

/** Looks at every group of every pool. Pure. */
export function judgePools(map: ClusterMap, drives: ReadonlyMap<DriveId, Pick<ShardDrive, "status">>): PoolStrength[] {
  const answering = new Set<DriveId>();
  for (const [driveId, drive] of drives) if (drive.status().condition !== "offline") answering.add(driveId);
  const newest = map.writePool()?.pool ?? 0;
  const strengths: PoolStrength[] = [];
  for (let number = 1; number <= newest; number++) {
    const pool = map.pool(number);
    if (pool === null) continue;
    const groupsBySpare = new Map<number, number>();
    const behind = new Set<DriveId>();
    for (const group of groupsOf(pool)) {
      const record = map.group(pool.pool, group);
      if (record === null) continue;
      const online = record.homes.filter((home) => home !== null && answering.has(home)).length;
      const spare = online - pool.geometry.k;
      groupsBySpare.set(spare, (groupsBySpare.get(spare) ?? 0) + 1);
      for (const driveId of record.behind.keys()) behind.add(driveId);
    }
    if (groupsBySpare.size === 0) continue;
    strengths.push({
      pool: pool.pool,
      geometry: pool.geometry,
      groupsBySpare,
      homesOnlineMin: pool.geometry.k + Math.min(...groupsBySpare.keys()),
      behindCount: behind.size,
    });
  }
  return strengths;
}
