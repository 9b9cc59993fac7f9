import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { TIB, type Geometry } from "@kakera/kernel";
import { planTable, type DriveWeight, type PlacementTable } from "../src/index.ts";
import { countSlots, drawnCluster, idealSlots, makeDrives } from "./drawn-clusters.ts";

const groupCount = 512;
const form = (drives: readonly DriveWeight[], geometry: Geometry): PlacementTable =>
  planTable({ drives, geometry, groupCount, present: null });

/** By how many slots the worst drive misses its ideal. */
function missedSlots(table: PlacementTable, ideals: ReadonlyMap<string, number>): number {
  const counts = countSlots(table);
  return Math.max(...[...ideals].map(([driveId, ideal]) => Math.abs((counts.get(driveId) ?? 0) - ideal)));
}

describe("planTable(), of nothing,", () => {
  test("puts at most one shard of a group in a domain, and leaves no home vacant while a domain is free", () => {
    fc.assert(
      fc.property(drawnCluster, fc.integer({ min: 1, max: 32 }), ({ drives }, shardCount) => {
        const domainOf = new Map<string, string>(drives.map(({ driveId, domain }) => [driveId, domain]));
        const filledCount = Math.min(shardCount, new Set(domainOf.values()).size);
        const table = planTable({ drives, geometry: { k: shardCount, m: 0 }, groupCount: 48, present: null });
        const isRight = table.every((homes) => {
          const domains = homes.filter((home) => home !== null).map((home) => domainOf.get(home));
          return (
            homes.length === shardCount && domains.length === filledCount && new Set(domains).size === domains.length
          );
        });
        expect(isRight).toBe(true);
      }),
    );
  });

  test("gives every drive its share to within one slot, also where domains are too heavy for theirs", () => {
    fc.assert(
      fc.property(drawnCluster, fc.integer({ min: 1, max: 128 }), ({ drives, geometry }, count) => {
        const table = planTable({ drives, geometry, groupCount: count, present: null });
        expect(missedSlots(table, idealSlots({ drives, geometry }, count))).toBeLessThan(1.000001);
      }),
    );
  });

  test("gives drives of 20 slots and more their share to within 5 %", () => {
    fc.assert(
      fc.property(drawnCluster, ({ drives, geometry }) => {
        const counts = countSlots(form(drives, geometry));
        for (const [driveId, ideal] of idealSlots({ drives, geometry }, groupCount))
          if (ideal >= 20) expect(Math.abs((counts.get(driveId) ?? 0) / ideal - 1)).toBeLessThanOrEqual(0.05);
      }),
      { numRuns: 10 },
    );
  });

  test("gives equal drives of equal domains the same", () => {
    const drives = makeDrives(new Array<number>(16).fill(4), { weights: new Array<number>(64).fill(TIB), seed: 3 });
    const counts = [...countSlots(form(drives, { k: 8, m: 4 })).values()];
    expect(new Set(counts)).toEqual(new Set([(groupCount * 12) / 64]));
  });

  test("caps a domain that is too heavy at one shard of each group, and spreads the rest by weight", () => {
    // Ten of sixteen weights on one host: it may hold a third of the slots. The others: two to one.
    const weights = [10, 1, 1, 2, 2].map((tib) => tib * TIB);
    const drives = makeDrives([1, 1, 1, 1, 1], { weights, seed: 4 });
    const counts = countSlots(form(drives, { k: 2, m: 1 }));
    expect(drives.map(({ driveId }) => counts.get(driveId))).toEqual([512, 171, 171, 341, 341]);
  });

  test("spreads the partners of a drive over all the others: each has a part in its rebuild", () => {
    const drives = makeDrives(new Array<number>(24).fill(1), { weights: new Array<number>(24).fill(TIB), seed: 5 });
    const table = form(drives, { k: 4, m: 2 });
    const lost = drives[0]!.driveId;
    const partners = countSlots(table.filter((homes) => homes.includes(lost)));
    partners.delete(lost);
    // 128 groups with five partners each, of 23.
    expect(partners.size).toBe(23);
    expect(Math.max(...partners.values())).toBeLessThan((2 * 640) / 23);
  });

  test("gives heavy drives no more of the data shards than of the parity shards", () => {
    const weights = Array.from({ length: 12 }, (_, i) => (i < 4 ? 4 * TIB : TIB));
    const drives = makeDrives(new Array<number>(12).fill(1), { weights, seed: 6 });
    const table = form(drives, { k: 2, m: 2 });
    const heavy = new Set<string>(drives.slice(0, 4).map(({ driveId }) => driveId));
    const heavyAt = (index: number): number => table.filter((homes) => heavy.has(homes[index] ?? "")).length;
    const mean = [0, 1, 2, 3].reduce((sum, index) => sum + heavyAt(index), 0) / 4;
    for (const index of [0, 1, 2, 3]) expect(Math.abs(heavyAt(index) / mean - 1)).toBeLessThan(0.1);
  });

  test("does not depend on the order in which drives are named", () => {
    fc.assert(
      fc.property(drawnCluster, ({ drives, geometry }) => {
        const plan = { geometry, groupCount: 48, present: null };
        expect(planTable({ ...plan, drives: drives.toReversed() })).toEqual(planTable({ ...plan, drives }));
      }),
      { numRuns: 20 },
    );
  });

  test("is the same for ever: plans are made anew from what the log holds, also by a later version", () => {
    const drives = makeDrives([2, 2, 1], { weights: [1, 2, 3, 4, 5], seed: 7 });
    const table = planTable({ drives, geometry: { k: 2, m: 1 }, groupCount: 8, present: null });
    const indexOf = new Map<string | null, number>(drives.map(({ driveId }, index) => [driveId, index]));
    expect(table.map((homes) => homes.map((home) => indexOf.get(home)).join(""))).toMatchInlineSnapshot(`
      [
        "413",
        "240",
        "204",
        "403",
        "134",
        "314",
        "124",
        "314",
      ]
    `);
  });

  test("refuses drives that are named twice, weights that are not whole, and tables of another shape", () => {
    const [drive, ...others] = makeDrives([1, 1, 1], { weights: [1, 1, 1], seed: 8 });
    const geometry = { k: 2, m: 1 };
    expect(() => form([drive!, drive!, ...others], geometry)).toThrow("named once");
    expect(() => form([{ ...drive!, weight: 0.5 }, ...others], geometry)).toThrow("whole");
    expect(() => form([{ ...drive!, weight: 0 }, ...others], geometry)).toThrow("whole");
    const present = form(others, geometry);
    expect(() => planTable({ drives: others, geometry, groupCount: 8, present })).toThrow("fixed with the pool");
    expect(() => planTable({ drives: others, geometry: { k: 2, m: 2 }, groupCount, present })).toThrow(
      "for each shard",
    );
  });
});
