import { describe, expect, test } from "vitest";
import { createSeededRandom, idBytes, newId, type DriveId } from "@kakera/kernel";
import { records, type DriveRecordInput } from "@kakera/protocol";
import { createMemoryLog, createMemoryView, declareDrive, keys, readClusterMap, type CommitLog } from "../src/index.ts";

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
    [keys.pool(2), records.PoolRecord.encode({ pool: 2, k: 4, m: 2, groupCount: 64 }).finish()],
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
    expect(map.writePool()).toEqual({ pool: 2, geometry: { k: 4, m: 2 }, groupCount: 64 });
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
