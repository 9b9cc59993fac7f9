import { describe, expect, test } from "vitest";
import type { DriveId } from "@kakera/kernel";
import { planRepair, type ShardFacts } from "../src/repair/plan-repair.ts";

const elsewhere = ["drive-e" as DriveId];
const anyShard = (["holds", "lacks", "damaged", "away"] as const).flatMap((home) => [
  { home, elsewhere: [] },
  { home, elsewhere },
]);

function* allChunks(shardCount: number): Generator<ShardFacts[]> {
  if (shardCount === 0) return yield [];
  const own = `home-${shardCount}`;
  for (const rest of allChunks(shardCount - 1)) {
    for (const shard of anyShard) {
      // Elsewhere is one and the same drive for all: what lies there goes with one loss.
      const domains = [...(shard.home === "holds" ? [own] : []), ...shard.elsewhere];
      yield [...rest, { ...shard, domains }];
    }
  }
}

const isLeft = ({ home, elsewhere: places }: ShardFacts): boolean => home === "holds" || places.length > 0;
const isAtHome = ({ home }: ShardFacts): boolean => home === "holds";

/** Losses borne when every other drive holds one shard, and one drive all that are not at home. */
function borne(shards: readonly ShardFacts[], k: number): number {
  const left = shards.filter(isLeft).length;
  const doubled = left - shards.filter(isAtHome).length;
  if (left < k) return left - k;
  return left - doubled < k ? 0 : doubled === 0 ? left - k : left - doubled - k + 1;
}

describe("planRepair()", () => {
  for (const [shardCount, k] of [
    [1, 1],
    [3, 2],
    [4, 2],
  ] as const) {
    test(`plans what can be done, and nothing that loses a shard, for every chunk of ${shardCount} shards`, () => {
      const kinds = new Set<string>();
      for (const shards of allChunks(shardCount)) {
        const plan = planRepair(shards, k);
        kinds.add(plan.kind);
        expect(plan.spareShards).toBe(borne(shards, k));
        expect(plan.rebuild.every((index) => ["lacks", "damaged"].includes(shards[index]!.home))).toBe(true);
        expect(plan.waiting.every((index) => shards[index]!.home === "away")).toBe(true);
        const isWhole = shards.every(({ home }) => home === "holds");
        expect(plan.kind === "whole").toBe(isWhole);
        if (!isWhole) expect(plan.surplus).toEqual([]);
        else expect(plan.surplus.length).toBe(shards.filter(({ elsewhere: places }) => places.length > 0).length);
        if (plan.kind === "lost")
          expect(shards.filter(isLeft).length < k && !shards.some(({ home }) => home === "away")).toBe(true);
        if (plan.kind === "mend") expect(plan.rebuild.length > 0 && plan.spareShards >= 0).toBe(true);
        if (plan.kind === "wait") expect(plan.waiting.length).toBeGreaterThan(0);
      }
      expect(kinds.size).toBe(4);
    });
  }
});
