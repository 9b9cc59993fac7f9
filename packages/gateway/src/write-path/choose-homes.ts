import { assert, ClusterFailure, type DataId, type DriveId, type Geometry } from "@kakera/kernel";
import type { ClusterMap, Pool } from "@kakera/metadata";
import { chunkGroup } from "@kakera/placement";
import type { ShardDrive } from "@kakera/rpc";
import type { Candidate } from "./judge-write.ts";

/** CODED: k+m shards of the pool's geometry; REPLICATED: m+1 whole copies (k = 1). */
export type BodyForm = "CODED" | "REPLICATED";

/** Where the shards of one chunk belong. */
export interface ChunkHomes {
  readonly pool: number;
  readonly group: number;
  readonly epoch: number;
  readonly geometry: Geometry;
  /** By shard index; null = vacant. */
  readonly homes: readonly (DriveId | null)[];
}

export type Drives = ReadonlyMap<DriveId, ShardDrive>;

export function geometryOf(pool: Pool, form: BodyForm): Geometry {
  return form === "CODED" ? pool.geometry : { k: 1, m: pool.geometry.m };
}

/** The homes of chunk `chunkIndex` of a body. Copies are kept by the first m+1 homes of the chunk's group. */
export function chooseHomes(
  map: ClusterMap,
  pool: Pool,
  chunk: { dataId: DataId; chunkIndex: number; form: BodyForm },
): ChunkHomes {
  const number = chunkGroup(chunk.dataId, chunk.chunkIndex, pool);
  const group = map.group(pool.pool, number);
  if (group === null) throw new ClusterFailure("retry", `placement group ${pool.pool}/${number} is not known here yet`);
  const geometry = geometryOf(pool, chunk.form);
  const homes = group.homes.slice(0, geometry.k + geometry.m);
  assert(homes.length === geometry.k + geometry.m, "a group has a home for every shard of its pool");
  return { pool: pool.pool, group: number, epoch: group.epoch, geometry, homes };
}

/** Whether the log allows that a shard of this home is left out. */
export function isDeclared(map: ClusterMap, home: DriveId | null): boolean {
  return home === null || (map.drive(home)?.standing ?? "GONE") !== "MEMBER";
}

/** Drives that can take a shard now, emptiest first. `isAvoided`: found slow or failing by this write. */
export function findCandidates(map: ClusterMap, drives: Drives, isAvoided: (driveId: DriveId) => boolean): Candidate[] {
  const found: (Candidate & { readonly freeBytes: number })[] = [];
  for (const { driveId, domain, standing, isLeaving } of map.drives()) {
    const status = drives.get(driveId)?.status();
    if (standing !== "MEMBER" || isLeaving || status?.condition !== "online" || isAvoided(driveId)) continue;
    found.push({ driveId, domain, freeBytes: status.freeBytes });
  }
  return found.sort((a, b) => b.freeBytes - a.freeBytes);
}
