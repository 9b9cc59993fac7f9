import { expect, test } from "vitest";
import { createSeededRandom, newId, type DriveId } from "@kakera/kernel";
import type { ClusterMap, Group } from "@kakera/metadata";
import type { DriveCondition, DriveStatus } from "@kakera/rpc";
import { judgePools } from "../src/compose/judge-pools.ts";

const random = createSeededRandom(1);
const [a, b, c, d] = Array.from({ length: 4 }, () => newId("drive", random)) as [DriveId, DriveId, DriveId, DriveId];
const pool = { pool: 1, geometry: { k: 2, m: 1 }, firstGroup: 0, groupCount: 2, domainLevel: "drive" };

function mapOf(groups: readonly (readonly (DriveId | null)[])[], behind: readonly DriveId[] = []): ClusterMap {
  const group = (homes: readonly (DriveId | null)[]): Group => ({
    epoch: 1,
    homes,
    previous: [],
    behind: new Map(behind.map((driveId) => [driveId, 1])),
  });
  return {
    writePool: () => pool,
    pool: (number) => (number === 1 ? pool : null),
    group: (_, number) => (groups[number] === undefined ? null : group(groups[number])),
    drive: () => null,
    drives: () => [],
  };
}

const drivesIn = (conditions: readonly (readonly [DriveId, DriveCondition])[]) =>
  new Map(conditions.map(([driveId, condition]) => [driveId, { status: () => ({ condition }) as DriveStatus }]));

test("judgePools() counts groups by the homes that answer beyond those that a read needs, and tells of the weakest", () => {
  const map = mapOf([
    [a, b, c],
    [a, b, d],
  ]);
  const all = drivesIn([a, b, c, d].map((driveId) => [driveId, "online"]));
  expect(judgePools(map, all)).toEqual([
    { pool: 1, geometry: { k: 2, m: 1 }, groupsBySpare: new Map([[1, 2]]), homesOnlineMin: 3, behindCount: 0 },
  ]);
  // Full and failed drives still give what they have.
  const some = drivesIn([
    [a, "full"],
    [b, "failed"],
    [c, "online"],
    [d, "offline"],
  ]);
  expect(judgePools(map, some)).toMatchObject([
    {
      groupsBySpare: new Map([
        [1, 1],
        [0, 1],
      ]),
      homesOnlineMin: 2,
    },
  ]);
});

test("judgePools() counts a vacant home as one that does not answer, and drives that are behind once", () => {
  const map = mapOf(
    [
      [a, null, null],
      [a, b, c],
    ],
    [c],
  );
  const strengths = judgePools(map, drivesIn([a, b, c].map((driveId) => [driveId, "online"])));
  expect(strengths).toMatchObject([{ homesOnlineMin: 1, behindCount: 1 }]);
  expect(strengths[0]?.groupsBySpare.get(-1)).toBe(1);
});
