import { describe, expect, test } from "vitest";
import { KIB, MIB, newId, type DriveId } from "@kakera/kernel";
import { declareDrive } from "@kakera/metadata";
import { takeCensus } from "../src/census/take-census.ts";
import { CatchUp, forgetBehind, isBehind } from "../src/drives/catch-up.ts";
import { judgeStanding } from "../src/drives/judge-standing.ts";
import { StandingKeeper } from "../src/drives/keep-standings.ts";
import { takeBack } from "../src/drives/take-back.ts";
import { repairOnce } from "../src/repair/run-repairs.ts";
import { createTestCluster, patternBytes, putChange, shardsOn, type TestCluster } from "./kit/test-cluster.ts";

const rule = { steadyMs: 5_000 };

async function declare(cluster: TestCluster, driveId: DriveId, standing: "SUSPECT" | "DOWN" = "DOWN"): Promise<void> {
  const change = declareDrive(cluster.log.view, driveId, {
    standing,
    nowMs: 1,
    changeId: newId("change", cluster.author.random),
  });
  if (change === null) throw new Error("it is a member");
  await cluster.commit(change);
}

function groupsBehind({ map }: TestCluster): number {
  return Array.from({ length: 8 }, (_, group) => map.group(1, group)!.behind.size).filter((size) => size > 0).length;
}

/** One turn of what the loops do for drives that are behind. */
async function catchUpOnce(cluster: TestCluster, catchUp: CatchUp): Promise<number> {
  const ready = catchUp.readyDrives(cluster.parts);
  const { groupsInOrder } = await cluster.run(
    takeCensus(cluster.parts, { covers: (_group, record) => isBehind(cluster.parts, record) }),
  );
  const healed = await cluster.run(forgetBehind(cluster.parts, groupsInOrder, ready));
  for (let item = cluster.parts.backlog.next(); item !== null; item = cluster.parts.backlog.next())
    await cluster.run(repairOnce(cluster.parts, item));
  return healed;
}

describe("judgeStanding()", () => {
  test("declares who was away for a while, and takes back who was there for a while", () => {
    const judge = (
      standing: "MEMBER" | "SUSPECT" | "DOWN" | "GONE",
      condition: "online" | "suspect" | "full" | "failed" | "offline",
      sinceMs: number,
    ) => judgeStanding({ standing, condition, sinceMs, nowMs: 10_000 }, rule);
    expect([
      judge("MEMBER", "offline", 5_000),
      judge("MEMBER", "failed", 0),
      judge("MEMBER", "offline", 5_001),
    ]).toEqual(["declare-down", "declare-down", null]);
    expect([judge("MEMBER", "online", 0), judge("MEMBER", "suspect", 0), judge("MEMBER", "full", 0)]).toEqual([
      null,
      null,
      null,
    ]);
    expect([judge("DOWN", "online", 5_000), judge("SUSPECT", "full", 0), judge("DOWN", "online", 5_001)]).toEqual([
      "take-back",
      "take-back",
      null,
    ]);
    expect([judge("DOWN", "offline", 0), judge("SUSPECT", "suspect", 0), judge("DOWN", "failed", 0)]).toEqual([
      null,
      null,
      null,
    ]);
    expect([judge("GONE", "online", 0), judge("GONE", "offline", 0)]).toEqual([null, null]);
  });
});

describe("a drive that comes back", () => {
  test("is declared down when it has been away for a while, and taken back when it has been there for a while", async () => {
    const cluster = await createTestCluster({ geometry: { k: 2, m: 1 } });
    const { driveId } = cluster.drives[0]!;
    const keeper = new StandingKeeper(rule);
    const look = () => cluster.run(keeper.look(cluster.parts));
    await look();
    cluster.drives[0]!.isAway = true;
    await look();
    expect(cluster.map.drive(driveId)?.standing).toBe("MEMBER");
    cluster.clock.advance(5_000);
    await look();
    expect(cluster.map.drive(driveId)?.standing).toBe("DOWN");
    cluster.drives[0]!.isAway = false;
    expect(await look()).toEqual([]);
    cluster.clock.advance(5_000);
    expect(await look()).toEqual([driveId]);
    expect(cluster.map.drive(driveId)?.standing).toBe("MEMBER");
  });

  test("is filled with what it missed, and is behind no longer then", async () => {
    const cluster = await createTestCluster({ geometry: { k: 2, m: 2 } });
    const { driveId } = cluster.drives[3]!;
    await declare(cluster, driveId);
    for (let i = 0; i < 10; i++) await cluster.put(`k${i}`, patternBytes([300 * KIB, 200 * KIB, 5 * MIB][i % 3]!, i));
    expect(await shardsOn(cluster.drives[3]!)).toEqual([]);
    expect(await cluster.run(takeBack(cluster.parts, driveId))).toBe(true);
    expect(groupsBehind(cluster)).toBe(8);
    const catchUp = new CatchUp();
    // The first look sets the mark, and fills; the second count proves it.
    await catchUpOnce(cluster, catchUp);
    await catchUpOnce(cluster, catchUp);
    expect(await shardsOn(cluster.drives[3]!)).toHaveLength(10);
    expect(groupsBehind(cluster)).toBe(0);
    for (const drive of cluster.drives.slice(0, 2)) drive.isAway = true;
    for (let i = 0; i < 10; i++)
      expect((await cluster.read(`k${i}`)).equals(patternBytes([300 * KIB, 200 * KIB, 5 * MIB][i % 3]!, i))).toBe(true);
  });

  test("stays behind while a write that left it out may still be committed, and is filled with that as well", async () => {
    const cluster = await createTestCluster({ geometry: { k: 2, m: 2 } });
    const { driveId } = cluster.drives[3]!;
    await declare(cluster, driveId);
    const late = await cluster.write("late", patternBytes(300 * KIB, 1));
    await cluster.run(takeBack(cluster.parts, driveId));
    const catchUp = new CatchUp();
    for (let i = 0; i < 4; i++) expect(await catchUpOnce(cluster, catchUp)).toBe(0);
    expect(groupsBehind(cluster)).toBe(8);
    await cluster.commit(putChange(cluster, "late", late));
    cluster.bodies.settle([late]);
    for (let i = 0; i < 3; i++) await catchUpOnce(cluster, catchUp);
    expect(groupsBehind(cluster)).toBe(0);
    expect(await shardsOn(cluster.drives[3]!)).toHaveLength(1);
  });

  test("is behind from the moment on at which it is a member: there is no member that lacks shards and is not named", async () => {
    const cluster = await createTestCluster({ geometry: { k: 2, m: 1 } });
    const { driveId } = cluster.drives[0]!;
    await declare(cluster, driveId, "SUSPECT");
    const states: string[] = [];
    const commit = cluster.log.commit.bind(cluster.log);
    cluster.log.commit = async (change) => {
      const result = await commit(change);
      states.push(`${groupsBehind(cluster)} ${cluster.map.drive(driveId)?.standing}`);
      return result;
    };
    await cluster.run(takeBack(cluster.parts, driveId));
    expect(states).toEqual(["8 SUSPECT", "8 MEMBER"]);
  });

  test("is not taken back by a change that its record overtook", async () => {
    const cluster = await createTestCluster({ geometry: { k: 2, m: 1 } });
    const { driveId } = cluster.drives[0]!;
    await declare(cluster, driveId);
    const commit = cluster.log.commit.bind(cluster.log);
    let isOvertaken = false;
    cluster.log.commit = async (change) => {
      if (!isOvertaken) {
        isOvertaken = true;
        const key = change.compares[0]!.key;
        const { value, revision } = cluster.log.view.get(key)!;
        await commit({
          id: newId("change", cluster.author.random),
          purpose: "free",
          compares: [{ key, revision }],
          puts: [{ key, value }],
          deletes: [],
        });
      }
      return commit(change);
    };
    expect(await cluster.run(takeBack(cluster.parts, driveId))).toBe(false);
    expect(cluster.map.drive(driveId)?.standing).toBe("DOWN");
  });
});
