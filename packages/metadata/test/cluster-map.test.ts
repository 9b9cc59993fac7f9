import { describe, expect, test } from "vitest";
import { createSeededRandom, idBytes, newId, type DriveId } from "@kakera/kernel";
import { records, type DriveRecordInput } from "@kakera/protocol";
import {
  createMemoryLog,
  createMemoryView,
  declareDrive,
  keys,
  readClusterMap,
  suspectDrive,
  type Change,
  type CommitLog,
} from "../src/index.ts";

const random = createSeededRandom(41);

async function put(log: CommitLog, rows: readonly (readonly [Uint8Array, Uint8Array])[]): Promise<void> {
  const result = await log.commit({
    id: newId("change", random),
    purpose: "write",
    compares: rows.map(([key]) => ({ key, revision: log.view.get(key)?.revision ?? 0 })),
    puts: rows.map(([key, value]) => ({ key, value })),
    deletes: [],
  });
  expect(result.outcome).toBe("committed");
}

const driveRow = (driveId: DriveId, fields: DriveRecordInput): readonly [Uint8Array, Uint8Array] => [
  keys.drive(driveId),
  records.DriveRecord.encode({ driveId: idBytes(driveId), domain: `host-${driveId.slice(0, 2)}`, ...fields }).finish(),
];

async function formed(driveIds: readonly DriveId[]): Promise<CommitLog> {
  const log = createMemoryLog({ view: createMemoryView(), session: newId("session", random) });
  await put(log, [
    [keys.cluster(), records.ClusterRecord.encode({ drives: driveIds.map(idBytes) }).finish()],
    [keys.pool(1), records.PoolRecord.encode({ pool: 1, k: 2, m: 1, groupCount: 64 }).finish()],
    [keys.pool(2), records.PoolRecord.encode({ pool: 2, k: 4, m: 2, groupCount: 64, firstGroup: 64 }).finish()],
    [
      keys.group(2, 7),
      records.GroupRecord.encode({
        epoch: 3,
        homes: [idBytes(driveIds[0] as DriveId), new Uint8Array()],
        previous: [{ epoch: 2, homes: [idBytes(driveIds[1] as DriveId), new Uint8Array()] }],
        behind: [{ driveId: idBytes(driveIds[0] as DriveId), sinceRevision: 12 }],
      }).finish(),
    ],
    ...driveIds.map((driveId) => driveRow(driveId, { weightBytes: 5 })),
  ]);
  return log;
}

const driveIds = Array.from({ length: 3 }, () => newId("drive", random));

describe("readClusterMap()", () => {
  test("knows nothing of an empty view", () => {
    const map = readClusterMap(createMemoryView());
    expect([map.writePool(), map.pool(1), map.group(1, 0), map.drive(driveIds[0] as DriveId), map.drives()]).toEqual([
      null,
      null,
      null,
      null,
      [],
    ]);
  });

  test("writes to the newest pool and still reads the older ones", async () => {
    const map = readClusterMap((await formed(driveIds)).view);
    expect(map.writePool()).toMatchObject({ pool: 2, geometry: { k: 4, m: 2 }, firstGroup: 64, groupCount: 64 });
    expect(map.pool(1)?.geometry).toEqual({ k: 2, m: 1 });
  });

  test("gives a group's homes by shard index, vacant ones as null, with lists before it and who is behind", async () => {
    const group = readClusterMap((await formed(driveIds)).view).group(2, 7);
    expect(group).toEqual({
      epoch: 3,
      homes: [driveIds[0], null],
      previous: [[driveIds[1], null]],
      behind: new Map([[driveIds[0], 12]]),
    });
  });

  test("follows every change of a row, and does not decode one that did not change", async () => {
    const log = await formed(driveIds);
    const map = readClusterMap(log.view);
    const [first, second, third] = driveIds as [DriveId, DriveId, DriveId];
    const before = map.drive(first);
    expect(map.drive(first)).toBe(before);
    expect(map.drives()).toBe(map.drives());
    await put(log, [driveRow(first, { standing: records.DriveStanding.GONE })]);
    expect(map.drive(first)?.standing).toBe("GONE");
    expect(map.drives().map((drive) => drive.driveId)).toEqual([second, third]);
    await put(log, [[keys.cluster(), records.ClusterRecord.encode({ drives: [idBytes(third)] }).finish()]]);
    expect(map.drives().map((drive) => drive.driveId)).toEqual([third]);
  });
});

describe("declareDrive()", () => {
  test("declares a member once, and leaves whoever is declared already", async () => {
    const log = await formed(driveIds);
    const driveId = driveIds[1] as DriveId;
    const declaration = { standing: "SUSPECT", nowMs: 99, changeId: newId("change", random) } as const;
    const change = declareDrive(log.view, driveId, declaration);
    const race = declareDrive(log.view, driveId, { ...declaration, standing: "DOWN" });
    if (change === null || race === null) throw new Error("a member can be declared");
    expect((await log.commit(change)).outcome).toBe("committed");
    expect((await log.commit(race)).outcome).toBe("refused");
    expect(readClusterMap(log.view).drive(driveId)).toMatchObject({ standing: "SUSPECT", weightBytes: 5 });
    expect(declareDrive(log.view, driveId, declaration)).toBeNull();
    expect(declareDrive(log.view, newId("drive", random), declaration)).toBeNull();
  });
});

describe("suspectDrive()", () => {
  const four = Array.from({ length: 4 }, () => newId("drive", random));
  const [a, b, c, d] = four as [DriveId, DriveId, DriveId, DriveId];

  /** 2+2 in two groups, of which the second has a vacant home. */
  async function fourDrives(): Promise<CommitLog> {
    const log = createMemoryLog({ view: createMemoryView(), session: newId("session", random) });
    const group = (homes: readonly (DriveId | null)[]): Uint8Array =>
      records.GroupRecord.encode({
        epoch: 1,
        homes: homes.map((home) => (home === null ? new Uint8Array() : idBytes(home))),
      }).finish();
    await put(log, [
      [keys.cluster(), records.ClusterRecord.encode({ drives: four.map(idBytes) }).finish()],
      [keys.pool(1), records.PoolRecord.encode({ pool: 1, k: 2, m: 2, groupCount: 2 }).finish()],
      [keys.group(1, 0), group([a, b, c, d])],
      [keys.group(1, 1), group([null, b, c, d])],
      ...four.map((driveId) => driveRow(driveId, { weightBytes: 5 })),
    ]);
    return log;
  }

  const suspect = (log: CommitLog, driveId: DriveId) =>
    suspectDrive(log.view, driveId, { nowMs: 99, changeId: newId("change", random) });

  async function suspectNow(log: CommitLog, driveId: DriveId): Promise<string> {
    const change = suspect(log, driveId);
    return typeof change === "string" ? change : (await log.commit(change)).outcome;
  }

  test("declares as long as every group keeps k members, and says of the next that it is needed", async () => {
    const log = await fourDrives();
    expect(await suspectNow(log, a)).toBe("committed");
    expect(await suspectNow(log, a)).toBe("declared");
    expect(await suspectNow(log, b)).toBe("committed");
    expect([await suspectNow(log, c), await suspectNow(log, d)]).toEqual(["needed", "needed"]);
    expect(await suspectNow(log, newId("drive", random))).toBe("declared");
  });

  test("counts a vacant home, and one that is down, as one that does not take its shard", async () => {
    const log = await fourDrives();
    const down = declareDrive(log.view, b, { standing: "DOWN", nowMs: 99, changeId: newId("change", random) });
    expect((await log.commit(down as Change)).outcome).toBe("committed");
    expect([await suspectNow(log, c), await suspectNow(log, d)]).toEqual(["needed", "needed"]);
    expect(await suspectNow(log, a)).toBe("committed");
  });

  test("lets only one of two writers win that blame different drives at the same moment", async () => {
    const log = await fourDrives();
    expect(await suspectNow(log, a)).toBe("committed");
    const changes = [suspect(log, c), suspect(log, d)] as Change[];
    const outcomes = await Promise.all(changes.map((change) => log.commit(change)));
    expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual(["committed", "refused"]);
    const standings = readClusterMap(log.view)
      .drives()
      .map(({ standing }) => standing);
    expect(standings.filter((standing) => standing === "MEMBER")).toHaveLength(2);
  });
});
