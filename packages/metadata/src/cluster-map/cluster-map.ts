import type { DriveId } from "@kakera/kernel";
import { keys, ranges } from "../key-space.ts";
import type { View } from "../ports/view.ts";
import { AtGeneration } from "./at-generation.ts";
import { DriveList } from "./drive-list.ts";
import { decodeDrive, decodeGroup, decodePool, type Group, type MappedDrive, type Pool } from "./map-rows.ts";
import { RowCache } from "./row-cache.ts";

/** Where data goes and is: pools, placement groups and drives as the view has them at the moment of the call. */
export interface ClusterMap {
  /** The pool that new bodies are written to: the one with the highest number. null: nothing was formed yet. */
  writePool(): Pool | null;
  pool(pool: number): Pool | null;
  group(pool: number, group: number): Group | null;
  drive(driveId: DriveId): MappedDrive | null;
  /** Every drive of the cluster that is not GONE, in order of formation. The array is shared: do not change it. */
  drives(): readonly MappedDrive[];
}

/** Reads the map out of the view, each row once for each state of its table: writes ask for the same rows again and again. */
export function readClusterMap(view: View): ClusterMap {
  const pools = new RowCache(view, "pool", decodePool);
  const groups = new RowCache(view, "group", decodeGroup);
  const drives = new RowCache(view, "drive", decodeDrive);
  const driveList = new DriveList(view, (driveId) => drives.get(driveId, () => keys.drive(driveId)));
  const poolRange = ranges.table("pool");
  const listed = new AtGeneration(view, ["cluster", "drive"], () => driveList.read());
  /** By pool and group: looked up for every chunk. */
  const groupRows: AtGeneration<Group | null>[][] = [];
  const newestPool = new AtGeneration(view, ["pool"], () => {
    const last = view.last(poolRange.from, poolRange.to);
    return last === null ? null : decodePool(last.value);
  });
  return {
    writePool: () => newestPool.get(),
    pool: (pool) => pools.get(String(pool), () => keys.pool(pool)),
    group(pool, group) {
      const rows = (groupRows[pool] ??= []);
      return (rows[group] ??= groups.follow(keys.group(pool, group))).get();
    },
    drive: (driveId) => drives.get(driveId, () => keys.drive(driveId)),
    drives: () => listed.get(),
  };
}
