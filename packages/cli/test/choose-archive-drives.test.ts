import { describe, expect, test } from "vitest";
import { createSeededRandom, newId, type DriveId } from "@kakera/kernel";
import { chooseArchiveDrives } from "../src/cluster/choose-archive-drives.ts";

const random = createSeededRandom(1);
const drives = ["a", "a", "b", "b", "c"].map((domain) => ({ driveId: newId("drive", random), domain }));
const ids = drives.map(({ driveId }) => driveId) as [DriveId, DriveId, DriveId, DriveId, DriveId];
const choose = (wanted: number, gone: readonly DriveId[] = [], carrying: readonly DriveId[] = []): DriveId[] =>
  chooseArchiveDrives(drives, {
    wanted,
    isWorking: (driveId) => !gone.includes(driveId),
    carrying: new Set(carrying),
  });

describe("the drives of the archive", () => {
  test("are in domains of their own, and then more in the same", () => {
    expect(choose(3)).toEqual([ids[0], ids[2], ids[4]]);
    expect(choose(4)).toEqual([ids[0], ids[2], ids[4], ids[1]]);
    expect(choose(9)).toHaveLength(5);
  });

  test("stay those that they were, and another comes for one that is gone", () => {
    expect(choose(3, [], [ids[1], ids[3], ids[4]])).toEqual([ids[1], ids[3], ids[4]]);
    expect(choose(3, [ids[3]], [ids[1], ids[3], ids[4]])).toEqual([ids[1], ids[4], ids[2]]);
  });
});
