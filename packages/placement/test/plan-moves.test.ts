import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { TIB } from "@kakera/kernel";
import { planTable } from "../src/index.ts";
import { countMoved, countSlots, drawnCluster, idealSlots, makeDrives } from "./drawn-clusters.ts";
import { drawnGrowths, planGrowth } from "./drawn-growths.ts";
import { leastMoves } from "./least-moves.ts";

// Few groups, to be quick; plan-moves.slow.test.ts has as many as a pool.
const groupCount = 64;
const numRuns = 30;

describe.each(drawnGrowths)("planTable(), when %s,", (_, drawnGrowth) => {
  test("keeps domains apart, and brings shares to within 5 % or one slot", () => {
    fc.assert(
      fc.property(drawnGrowth, (growth) => {
        const { target } = planGrowth(growth, groupCount);
        const domainOf = new Map<string, string>(growth.after.drives.map(({ driveId, domain }) => [driveId, domain]));
        const isApart = target.every((homes) => {
          const domains = homes.filter((home) => home !== null).map((home) => domainOf.get(home));
          return new Set(domains).size === domains.length && !domains.includes(undefined);
        });
        expect(isApart).toBe(true);
        const counts = countSlots(target);
        for (const [driveId, ideal] of idealSlots(growth.after, groupCount))
          expect(Math.abs((counts.get(driveId) ?? 0) - ideal)).toBeLessThan(Math.max(1.000001, ideal * 0.05));
      }),
      { numRuns },
    );
  });

  test("moves as few shards as any table with these shares", () => {
    fc.assert(
      fc.property(drawnGrowth, (growth) => {
        const { present, target } = planGrowth(growth, 24);
        expect(countMoved(present, target)).toBe(leastMoves(growth.after.drives, present, target));
      }),
      // The judge is slow; plan-moves.slow.test.ts asks it more often.
      { numRuns: 8 },
    );
  });

  test("has nothing left to do when it is asked again", () => {
    fc.assert(
      fc.property(drawnGrowth, (growth) => {
        // Small shares, of which rounding is a large part.
        const { present, target } = planGrowth(growth, 20);
        expect(planTable({ ...growth.after, groupCount: 20, present })).toEqual(target);
        expect(planTable({ ...growth.after, groupCount: 20, present: target })).toEqual(target);
      }),
      { numRuns: 100 },
    );
  });
});

describe("planTable(), of a table that is there,", () => {
  const drives = makeDrives([2, 2, 2, 2], { weights: [4, 5, 6, 4, 5, 6, 4, 5].map((tib) => tib * TIB), seed: 1 });
  const geometry = { k: 2, m: 1 };

  test("leaves homes vacant when domains run out, and fills them when one comes back", () => {
    const present = planTable({ drives, geometry, groupCount, present: null });
    const few = drives.filter(({ domain }) => domain === "host0" || domain === "host1");
    const reduced = planTable({ drives: few, geometry, groupCount, present });
    for (const homes of reduced) expect(homes.filter((home) => home === null)).toHaveLength(1);
    const kept = (group: number) => present[group]!.filter((home) => few.some(({ driveId }) => driveId === home));
    // Who could stay stayed, but for what evens out the drives of a host: it is in all groups now, and was in three of four.
    expect(reduced.every((homes, group) => kept(group).every((home) => homes.includes(home)))).toBe(true);
    const refilled = planTable({ drives, geometry, groupCount, present: reduced });
    expect(refilled.flat()).not.toContain(null);
  });

  test("takes one of two shards away that are in one domain by now", () => {
    const apart = drives.map((drive) => ({ ...drive, domain: drive.driveId }));
    const present = planTable({ drives: apart, geometry, groupCount, present: null });
    const domainOf = new Map<string | null, string>(drives.map(({ driveId, domain }) => [driveId, domain]));
    const target = planTable({ drives, geometry, groupCount, present });
    for (const homes of target) expect(new Set(homes.map((home) => domainOf.get(home))).size).toBe(3);
  });

  test("keeps the shard indexes of those who stay", () => {
    fc.assert(
      fc.property(drawnCluster, fc.nat(), ({ drives: some, geometry: given }, at) => {
        const present = planTable({ drives: some, geometry: given, groupCount, present: null });
        const rest = some.filter((_, index) => index !== at % some.length);
        const target = planTable({ drives: rest, geometry: given, groupCount, present });
        for (const [group, homes] of target.entries())
          for (const [index, home] of homes.entries())
            if (home !== null && present[group]!.includes(home)) expect(present[group]!.indexOf(home)).toBe(index);
      }),
      { numRuns },
    );
  });

  test("does not take a slot from one to round the share of another up", () => {
    // Four equal drives, ten slots: two have three. Which two is the planner's choice only where it is not made yet.
    const equal = makeDrives([1, 1, 1, 1], { weights: [1, 1, 1, 1], seed: 2 });
    const plan = { drives: equal, geometry: { k: 1, m: 1 }, groupCount: 5 };
    const formed = planTable({ ...plan, present: null });
    const counts = countSlots(formed);
    const byCount = equal.map(({ driveId }) => driveId).sort((x, y) => (counts.get(y) ?? 0) - (counts.get(x) ?? 0));
    const swapped = new Map(byCount.map((driveId, index) => [driveId, byCount[3 - index]!]));
    const present = formed.map((homes) => homes.map((home) => (home === null ? null : swapped.get(home)!)));
    expect(planTable({ ...plan, present })).toEqual(present);
    const group = present.findIndex((homes) => homes.includes(byCount[3]!));
    const lacking = present.map((homes, at) =>
      homes.map((home) => (at === group && home === byCount[3] ? null : home)),
    );
    expect(countMoved(lacking, planTable({ ...plan, present: lacking }))).toBe(1);
  });

  test("lets weights change by a little without moving anything", () => {
    const present = planTable({ drives, geometry, groupCount: 512, present: null });
    const changed = drives.map((drive, index) => (index === 0 ? { ...drive, weight: drive.weight * 1.02 } : drive));
    const rounded = changed.map((drive) => ({ ...drive, weight: Math.round(drive.weight) }));
    expect(planTable({ drives: rounded, geometry, groupCount: 512, present })).toEqual(present);
  });
});
