import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { DriveId } from "@kakera/kernel";
import { planTable, toleranceInWords, toleranceOf, type PlacementTable } from "../src/index.ts";
import { drawnCluster } from "./drawn-clusters.ts";

const [a, b, c, d] = ["a", "b", "c", "d"] as DriveId[] as [DriveId, DriveId, DriveId, DriveId];
const apart = [a, b, c, d].map((driveId) => ({ driveId, domain: driveId }));
const geometry = { k: 2, m: 2 };

describe("toleranceOf()", () => {
  test("is m where every home is filled and up", () => {
    const whole = { domainCount: 2, vacantCount: 0, unreadableCount: 0 };
    expect(toleranceOf([[a, b, c, d]], geometry, apart)).toEqual(whole);
  });

  test("is that of the worst group; vacant homes and drives that are not up are none", () => {
    const table = [
      [a, b, c, d],
      [a, null, c, d],
    ];
    expect(toleranceOf(table, geometry, apart)).toEqual({ domainCount: 1, vacantCount: 1, unreadableCount: 0 });
    const up = apart.filter(({ driveId }) => driveId !== c);
    expect(toleranceOf(table, geometry, up)).toEqual({ domainCount: 0, vacantCount: 3, unreadableCount: 0 });
  });

  test("counts groups that cannot be read", () => {
    const table = [[a, null, null, null], [a, b, null, null], new Array<null>(4).fill(null)];
    expect(toleranceOf(table, geometry, apart)).toEqual({ domainCount: 0, vacantCount: 9, unreadableCount: 2 });
  });

  test("takes the fullest domains for those that fail, where a domain has several shards of a group", () => {
    const paired = apart.map(({ driveId }) => ({ driveId, domain: driveId === a || driveId === b ? "ab" : driveId }));
    expect(toleranceOf([[a, b, c, d]], geometry, paired)).toMatchObject({ domainCount: 1 });
    expect(toleranceOf([[a, b, c, d]], { k: 3, m: 1 }, paired)).toMatchObject({ domainCount: 0 });
  });

  test("is what is left when that many domains fail, whichever they are, and no more", () => {
    const canRead = (table: PlacementTable, k: number, failed: (home: DriveId) => boolean): boolean =>
      table.every((homes) => homes.filter((home) => home !== null && !failed(home)).length >= k);
    fc.assert(
      fc.property(drawnCluster, fc.nat(), ({ drives, geometry: given }, seed) => {
        const table = planTable({ drives, geometry: given, groupCount: 32, present: null });
        const up = drives.filter((_, index) => (index + seed) % 9 !== 0);
        const { domainCount, unreadableCount } = toleranceOf(table, given, up);
        const isUp = new Set<string>(up.map(({ driveId }) => driveId));
        const domainOf = new Map<string, string>(drives.map(({ driveId, domain }) => [driveId, domain]));
        const domains = [...new Set(domainOf.values())];
        const survives = (failed: readonly string[]): boolean =>
          canRead(table, given.k, (home) => !isUp.has(home) || failed.includes(domainOf.get(home) ?? ""));
        expect(unreadableCount > 0).toBe(!survives([]));
        if (unreadableCount > 0) return;
        const sets = chooseSets(domains, domainCount);
        expect(sets.every(survives)).toBe(true);
        if (domainCount < given.m) expect(chooseSets(domains, domainCount + 1).every(survives)).toBe(false);
      }),
      { numRuns: 30 },
    );
  });
});

/** All sets of so many of the names. */
function chooseSets(names: readonly string[], size: number): string[][] {
  if (size === 0) return [[]];
  return names.flatMap((name, index) => chooseSets(names.slice(index + 1), size - 1).map((rest) => [name, ...rest]));
}

describe("toleranceInWords()", () => {
  test("says how many of what may fail, and what is vacant", () => {
    const whole = { domainCount: 2, vacantCount: 0, unreadableCount: 0 };
    expect(toleranceInWords(whole, "host")).toBe("any 2 hosts may fail; every home is filled");
    expect(toleranceInWords({ ...whole, domainCount: 1, vacantCount: 1 }, "drive")).toBe(
      "any one drive may fail; one home is vacant",
    );
    expect(toleranceInWords({ ...whole, domainCount: 0, vacantCount: 37 }, "zone")).toBe(
      "no zone may fail; 37 homes are vacant",
    );
    expect(toleranceInWords({ domainCount: 0, vacantCount: 9, unreadableCount: 2 }, "rack")).toBe(
      "2 groups are not readable; 9 homes are vacant",
    );
  });
});
