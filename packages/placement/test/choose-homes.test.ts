import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createSeededRandom, newId } from "@kakera/kernel";
import { chooseHomes, chunkGroup, groupsOf, type DriveWeight } from "../src/index.ts";

function makeDrives(count: number, seed: number, drivesPerDomain = 1): DriveWeight[] {
  const random = createSeededRandom(seed);
  return Array.from({ length: count }, (_, i) => ({
    driveId: newId("drive", random),
    domain: `d${Math.floor(i / drivesPerDomain)}`,
    weight: 1,
  }));
}

describe("chooseHomes()", () => {
  test("puts at most one shard of a group in a domain, and leaves a home vacant when domains run out", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 24 }),
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 12 }),
        fc.nat(999),
        (count, perDomain, shardCount, seed) => {
          const drives = makeDrives(count, seed, perDomain);
          const homes = chooseHomes(seed, drives, shardCount);
          const domains = homes
            .filter((home) => home !== null)
            .map((home) => drives.find((drive) => drive.driveId === home)?.domain);
          expect(homes).toHaveLength(shardCount);
          expect(new Set(domains).size).toBe(domains.length);
          expect(domains.length).toBe(Math.min(shardCount, new Set(drives.map((drive) => drive.domain)).size));
        },
      ),
    );
  });

  test("gives every drive its share of the homes", () => {
    const drives = makeDrives(8, 7);
    const counts = new Map<string, number>();
    const groupCount = 4096;
    for (let group = 0; group < groupCount; group++) {
      for (const home of chooseHomes(group, drives, 4))
        counts.set(home as string, (counts.get(home as string) ?? 0) + 1);
    }
    for (const count of counts.values()) expect(Math.abs(count / (groupCount / 2) - 1)).toBeLessThan(0.05);
  });

  test("keeps most homes where they are when a drive joins", () => {
    const drives = makeDrives(9, 11);
    let moved = 0;
    for (let group = 0; group < 1024; group++) {
      const before = new Set(chooseHomes(group, drives.slice(0, 8), 4));
      moved += chooseHomes(group, drives, 4).filter((home) => !before.has(home)).length;
    }
    const ideal = (1024 * 4) / 9;
    expect(moved).toBeLessThan(ideal * 1.1);
  });
});

describe("chunkGroup()", () => {
  test("spreads the chunks of bodies evenly over the groups", () => {
    const random = createSeededRandom(3);
    const counts = new Array<number>(64).fill(0);
    for (let i = 0; i < 64_000; i++)
      counts[chunkGroup(newId("data", random), i % 3, { firstGroup: 0, groupCount: 64 })]! += 1;
    for (const count of counts) expect(count).toBeGreaterThan(800);
  });

  test("gives a number of the chunk's own pool, which no other pool has", () => {
    const random = createSeededRandom(3);
    const pool = { firstGroup: 512, groupCount: 64 };
    for (let i = 0; i < 1_000; i++) {
      const group = chunkGroup(newId("data", random), i, pool);
      expect(groupsOf(pool)).toContain(group);
      expect(groupsOf({ firstGroup: 0, groupCount: 512 })).not.toContain(group);
    }
  });
});
