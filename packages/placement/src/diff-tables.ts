import { assert, type DriveId } from "@kakera/kernel";
import type { Homes, PlacementTable } from "./plan-table.ts";

/** A shard of each of a group's chunks that gets another home. */
export interface ShardMove {
  readonly shardIndex: number;
  /** Who can be copied from; null: nobody, it is rebuilt from k others (the home was vacant, or its drive is lost). */
  readonly from: DriveId | null;
  /** null: the home becomes vacant, no other domain is free. */
  readonly to: DriveId | null;
}

/** One group's way from its present homes to those of the target: one commit, one epoch. */
export interface PlacementStep {
  readonly group: number;
  /** The whole new list, by shard index. */
  readonly homes: Homes;
  readonly moved: readonly ShardMove[];
}

/**
 * The steps from one table to another, each of one group, in the order in which they are best taken: first the groups
 * that lack shards, those that lack most ahead of all; then those that only move. Within these by group, which is at random
 * over the drives. `lost`: drives whose shards cannot be read any more.
 */
export function diffTables(
  present: PlacementTable,
  target: PlacementTable,
  lost: ReadonlySet<DriveId>,
): PlacementStep[] {
  assert(present.length === target.length, "both tables are of one pool");
  const steps = target.flatMap((homes, group) => {
    const moved = movesOf(present[group] ?? [], homes, lost);
    return moved.length === 0 ? [] : [{ group, homes, moved }];
  });
  const lacking = new Map(steps.map((step) => [step.group, step.moved.filter(isRebuild).length]));
  const lackingOf = ({ group }: PlacementStep): number => lacking.get(group) ?? 0;
  return steps.sort((a, b) => lackingOf(b) - lackingOf(a) || a.group - b.group);
}

function movesOf(present: Homes, homes: Homes, lost: ReadonlySet<DriveId>): ShardMove[] {
  assert(present.length === homes.length, "a group keeps its number of shards");
  return homes.flatMap((to, shardIndex) => {
    const home = present[shardIndex] ?? null;
    if (to === home) return [];
    return [{ shardIndex, from: home === null || lost.has(home) ? null : home, to }];
  });
}

/** A shard that is nowhere and is made again. */
function isRebuild({ from, to }: ShardMove): boolean {
  return from === null && to !== null;
}
