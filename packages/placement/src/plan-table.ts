import { assert, type DriveId, type Geometry } from "@kakera/kernel";
import type { DriveWeight } from "./choose-homes.ts";
import { evenOut, isNearEnough } from "./even-out.ts";
import { fillShares } from "./fill-shares.ts";
import { mix32 } from "./mix.ts";
import { makeRoster, type Roster } from "./make-roster.ts";
import { shareSlots } from "./share-slots.ts";
import { WorkingTable } from "./working-table.ts";

/** k+m drives by shard index; null = vacant. */
export type Homes = readonly (DriveId | null)[];

/** The homes of every group of a pool, by group. */
export type PlacementTable = readonly Homes[];

export interface TablePlan {
  /** The drives that are to hold data. One that leaves is left out; its shards are handed to others where a domain is free. */
  readonly drives: readonly DriveWeight[];
  readonly geometry: Geometry;
  readonly groupCount: number;
  /** The table as it is; null: nothing was formed yet. Drives that are in it but not in `drives` lose all they hold. */
  readonly present: PlacementTable | null;
}

/**
 * The homes that every group of a pool should have. At most one shard of a group is in a domain; a home without a free
 * domain is vacant. Each drive holds its share of the slots (see shareSlots) to within one slot: with 512 groups that is within 5 %
 * for drives with 20 slots and more. Of all tables of these shares one that moves the fewest shards away from the present
 * one; a shard that stays keeps its index. The same drives and table give the same homes, in whatever order they come.
 * Throws when a drive is named twice, a weight is no whole number above 0, or the present table is of another shape.
 */
export function planTable({ drives, geometry, groupCount, present }: TablePlan): PlacementTable {
  const shardCount = geometry.k + geometry.m;
  assert(present === null || present.length === groupCount, "the number of groups is fixed with the pool");
  const roster = makeRoster(drives);
  const original = present ?? Array.from({ length: groupCount }, () => new Array<null>(shardCount).fill(null));
  const indexed = original.map((homes) =>
    homes.map((home) => (home === null ? null : (roster.indexOf.get(home) ?? null))),
  );
  const table = new WorkingTable(roster, indexed, shardCount);
  const presentCounts = roster.drives.map((_, drive) => table.countOf(drive));
  const shares = shareSlots(roster, { groupCount, shardCount, present: presentCounts });
  // What was planned within the tolerance must not be planned anew for it each time somebody looks.
  if (!isNearEnough(table, shares)) {
    fillShares(table, roster, shares);
    evenOut(table, roster, shares);
  }
  return original.map((_, group) => homesOf(table, roster, group));
}

/**
 * Who stays keeps its shard index: another index is another shard, which would have to be moved. Newcomers take the free
 * indexes, lowest first (data before parity), in an order of their own in each group: else the heavy drives would be the first of
 * most groups and serve most reads.
 */
function homesOf(table: WorkingTable, roster: Roster, group: number): Homes {
  const now = table.homes(group);
  const homes: (DriveId | null)[] = new Array<null>(now.length).fill(null);
  for (const [index, drive] of table.originalHomes(group).entries())
    if (now.includes(drive)) homes[index] = roster.drives[drive]?.driveId ?? null;
  const draw = (drive: number): number => mix32(roster.hashes[drive] ?? 0, group);
  const newcomers = [...now].filter((drive) => drive !== table.vacant && !table.wasHome(group, drive));
  newcomers.sort((a, b) => draw(a) - draw(b) || a - b);
  for (const newcomer of newcomers) homes[homes.indexOf(null)] = roster.drives[newcomer]?.driveId ?? null;
  return homes;
}
