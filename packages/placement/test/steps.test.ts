import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { DriveId } from "@kakera/kernel";
import { diffTables, summarizeSteps, type PlacementStep } from "../src/index.ts";
import { countMoved } from "./drawn-clusters.ts";
import { drawnGrowths, planGrowth } from "./drawn-growths.ts";

const [a, b, c, d, e] = ["a", "b", "c", "d", "e"] as DriveId[] as [DriveId, DriveId, DriveId, DriveId, DriveId];
const none = new Set<DriveId>();
const groupCount = 64;

describe("diffTables()", () => {
  test("names each home that changes, with whom to copy from", () => {
    expect(diffTables([[a, b, c]], [[a, d, c]], none)).toEqual([
      { group: 0, homes: [a, d, c], moved: [{ shardIndex: 1, from: b, to: d }] },
    ]);
    expect(diffTables([[a, b, c]], [[a, b, c]], none)).toEqual([]);
  });

  test("copies from nobody where the home was vacant or its drive is lost", () => {
    const steps = diffTables([[a, null, c]], [[d, b, e]], new Set([c]));
    expect(steps[0]?.moved).toEqual([
      { shardIndex: 0, from: a, to: d },
      { shardIndex: 1, from: null, to: b },
      { shardIndex: 2, from: null, to: e },
    ]);
  });

  test("puts groups that lack shards first, those that lack most ahead of all", () => {
    const present = [
      [a, b, c],
      [a, null, c],
      [a, b, c],
      [null, null, c],
      [a, null, c],
      [null, null, null],
    ];
    const target = [
      [d, b, c],
      [a, b, c],
      [a, b, c],
      [a, b, c],
      [d, b, c],
      [null, null, null],
    ];
    expect(diffTables(present, target, none).map(({ group }) => group)).toEqual([3, 1, 4, 0]);
  });

  test("does not count a home that stays empty or is given up as one to rebuild", () => {
    const present = [
      [a, b, c],
      [a, b, d],
      [a, b, c],
    ];
    const target = [
      [a, b, e],
      [a, b, null],
      [e, b, c],
    ];
    expect(diffTables(present, target, new Set([d])).map(({ group }) => group)).toEqual([0, 1, 2]);
  });

  test.each(drawnGrowths)("leads from the one table to the other, when %s, each group once", (_, drawnGrowth) => {
    fc.assert(
      fc.property(drawnGrowth, (growth) => {
        const { present, target } = planGrowth(growth, groupCount);
        const there = new Set(growth.after.drives.map(({ driveId }) => driveId));
        const lost = new Set(growth.before.drives.map(({ driveId }) => driveId).filter((drive) => !there.has(drive)));
        const steps = diffTables(present, target, lost);
        const tables = present.map((homes) => [...homes]);
        for (const { group, homes, moved } of steps) {
          for (const { shardIndex, to } of moved) tables[group]![shardIndex] = to;
          expect(tables[group]).toEqual(homes);
        }
        expect(tables).toEqual(target);
        expect(new Set(steps.map(({ group }) => group)).size).toBe(steps.length);
        const { movedBytes, rebuiltBytes } = summarizeSteps(steps, () => 1);
        expect(movedBytes + rebuiltBytes).toBe(countMoved(present, target));
      }),
      { numRuns: 20 },
    );
  });
});

describe("summarizeSteps()", () => {
  test("adds up what moves, what is rebuilt, and what each drive takes and gives", () => {
    const steps: PlacementStep[] = [
      {
        group: 3,
        homes: [d, b, e],
        moved: [
          { shardIndex: 0, from: a, to: d },
          { shardIndex: 2, from: null, to: e },
        ],
      },
      {
        group: 4,
        homes: [d, null, a],
        moved: [
          { shardIndex: 0, from: b, to: d },
          { shardIndex: 1, from: c, to: null },
          { shardIndex: 2, from: d, to: a },
        ],
      },
    ];
    expect(summarizeSteps(steps, (group) => group * 100)).toEqual({
      groupCount: 2,
      movedBytes: 300 + 400 + 400,
      rebuiltBytes: 300,
      vacatedCount: 1,
      drives: new Map([
        [d, { inBytes: 700, outBytes: 400 }],
        [a, { inBytes: 400, outBytes: 300 }],
        [e, { inBytes: 300, outBytes: 0 }],
        [b, { inBytes: 0, outBytes: 400 }],
      ]),
    });
  });
});
