import type { DriveId } from "@kakera/kernel";
import { spareDomains } from "../strength/spare-domains.ts";

/** One shard of a chunk as an inspection found it. */
export interface ShardFacts {
  /**
   * Of its home: `holds` it, `lacks` it and takes it, has it `damaged` and takes it again, or is `away` (not answering, not
   * a member, taking nothing, or vacant).
   */
  readonly home: "holds" | "lacks" | "damaged" | "away";
  /** Other drives that hold it: substitutes, former homes, strays. */
  readonly elsewhere: readonly DriveId[];
  /** Failure domains in which it can be read: of its home, if that holds it, and of those elsewhere. */
  readonly domains: readonly string[];
}

export interface RepairPlan {
  /**
   * - `whole`: every home holds its shard
   * - `mend`: `rebuild` can be done; then `waiting` may be left
   * - `wait`: nothing can be done before a home is back
   * - `lost`: fewer than k shards are left, though every home answers
   */
  readonly kind: "whole" | "mend" | "wait" | "lost";
  /** Shards to be made anew at their homes. */
  readonly rebuild: readonly number[];
  /** Shards whose home is away. */
  readonly waiting: readonly number[];
  /** Copies that are not needed: only when every shard of the chunk is held by its home (correctness.md R5). */
  readonly surplus: readonly { readonly shardIndex: number; readonly driveId: DriveId }[];
  /** Losses of a domain that the chunk bears yet; below 0: shards that it is short of k. */
  readonly spareShards: number;
}

/** What is to be done for a chunk. A damaged shard does not count as left, and stays until its replacement is written. */
export function planRepair(shards: readonly ShardFacts[], k: number): RepairPlan {
  const indexesWhere = (holds: (shard: ShardFacts) => boolean): number[] =>
    shards.flatMap((shard, index) => (holds(shard) ? [index] : []));
  const rebuild = indexesWhere(({ home }) => home === "lacks" || home === "damaged");
  const waiting = indexesWhere(({ home }) => home === "away");
  const spareShards = spareDomains(
    shards.map(({ domains }) => domains),
    k,
  );
  const plan = { rebuild, waiting, surplus: [], spareShards };
  if (spareShards < 0) return { ...plan, kind: waiting.length > 0 ? "wait" : "lost" };
  if (rebuild.length > 0) return { ...plan, kind: "mend" };
  if (waiting.length > 0) return { ...plan, kind: "wait" };
  const surplus = shards.flatMap(({ elsewhere }, shardIndex) => elsewhere.map((driveId) => ({ shardIndex, driveId })));
  return { ...plan, kind: "whole", surplus };
}
