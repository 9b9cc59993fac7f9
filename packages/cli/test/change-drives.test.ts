import { createManualClock, createSeededRandom, idFromBytes, newId, type DriveId } from "@kakera/kernel";
import { createMemoryLog, createMemoryView, keys, readClusterMap, type MemoryLog } from "@kakera/metadata";
import { records } from "@kakera/protocol";
import { beforeEach, describe, expect, test } from "vitest";
import { formCluster } from "../src/compose/form-cluster.ts";
import { knownIncarnation, noteIncarnations } from "../src/compose/note-incarnations.ts";
import { planDriveChange, type DriveChange } from "../src/compose/plan-drive-change.ts";
import { formedLog } from "./formed-log.ts";

const random = createSeededRandom(11);
const nowMs = createManualClock().nowMs();
let log: MemoryLog;
let ids: readonly DriveId[];

async function form(driveCount: number): Promise<void> {
  ({ log, ids } = await formedLog({ driveCount, geometry: { k: 2, m: 2 }, nowMs, random }));
}

async function commitAll(change: DriveChange, changesMax = 100): Promise<number> {
  for (let count = 0; count < changesMax; count++) {
    const planned = planDriveChange({ view: log.view, random, nowMs }, change);
    if (planned === null) return count;
    expect((await log.commit(planned)).outcome).toBe("committed");
  }
  return changesMax;
}

function groups() {
  const map = readClusterMap(log.view);
  return Array.from({ length: 512 }, (_, group) => map.group(1, group));
}

beforeEach(() => form(4));

describe("planDriveChange()", () => {
  test("gives a lost drive's work to the one that takes its place, group by group", async () => {
    const coming = { driveId: newId("drive", random), weightBytes: 2 ** 40, position: 2 };
    const before = groups();
    await commitAll({ leaving: ids[1] as DriveId, coming });
    for (const [index, group] of groups().entries()) {
      const expected = before[index]?.homes.map((home) => (home === ids[1] ? coming.driveId : home));
      expect(group?.homes).toEqual(expected);
      expect(group?.epoch).toBe(2);
      expect(group?.behind.has(coming.driveId)).toBe(true);
    }
    const map = readClusterMap(log.view);
    expect(map.drive(ids[1] as DriveId)?.standing).toBe("GONE");
    expect(map.drives().map((drive) => drive.driveId)).toContain(coming.driveId);
  });

  test("goes on where it was cut short, and does nothing twice", async () => {
    const change = {
      leaving: ids[1] as DriveId,
      coming: { driveId: newId("drive", random), weightBytes: 1, position: 2 },
    };
    expect(await commitAll(change, 3)).toBe(3);
    expect(groups().filter((group) => group?.homes.includes(ids[1] as DriveId)).length).toBeGreaterThan(0);
    await commitAll(change);
    expect(groups().some((group) => group?.homes.includes(ids[1] as DriveId))).toBe(false);
    expect(await commitAll(change)).toBe(0);
  });

  test("leaves the place of a forgotten drive vacant where no other is free", async () => {
    await commitAll({ leaving: ids[0] as DriveId, coming: null });
    for (const group of groups()) expect(group?.homes.filter((home) => home === null).length).toBe(1);
    const coming = { driveId: newId("drive", random), weightBytes: 1, position: 1 };
    await commitAll({ leaving: null, coming });
    for (const group of groups()) expect(group?.homes.includes(coming.driveId)).toBe(true);
  });

  test("spreads a forgotten drive's work over the others that are free, never two shards of a group on one", async () => {
    await form(6);
    await commitAll({ leaving: ids[0] as DriveId, coming: null });
    const took = new Map<DriveId, number>();
    for (const group of groups()) {
      const homes = group?.homes ?? [];
      expect(new Set(homes).size).toBe(4);
      expect(homes).not.toContain(null);
      expect(homes).not.toContain(ids[0]);
      for (const driveId of group?.behind.keys() ?? []) took.set(driveId, (took.get(driveId) ?? 0) + 1);
    }
    expect(took.size).toBe(5);
  });
});

describe("planDriveChange() where shards are kept apart by host", () => {
  const hostOf = (driveId: DriveId | null): string => readClusterMap(log.view).drive(driveId as DriveId)?.domain ?? "";

  beforeEach(async () => {
    log = createMemoryLog({ view: createMemoryView(), session: newId("session", random) });
    ids = Array.from({ length: 8 }, () => newId("drive", random));
    const drives = ids.map((driveId, i) => ({ driveId, weightBytes: 2 ** 40, domain: `h${i % 4}`, host: `h${i % 4}` }));
    const geometry = { k: 2, m: 2 };
    const cluster = { clusterId: newId("cluster", random), geometry, level: "host", drives, nowMs, random } as const;
    for (const change of formCluster(cluster)) await log.commit(change);
  });

  test("gives a forgotten drive's work to its host's other drive, as every other host has a shard", async () => {
    await commitAll({ leaving: ids[0] as DriveId, coming: null });
    for (const group of groups()) {
      expect(group?.homes).not.toContain(null);
      expect(new Set(group?.homes.map(hostOf)).size).toBe(4);
    }
  });

  test("has the drive that takes a lost one's place in the domain of its host", async () => {
    const located = { host: "h0", rack: null, zone: "z" };
    const coming = { driveId: newId("drive", random), weightBytes: 1, position: 1, located };
    await commitAll({ leaving: ids[0] as DriveId, coming });
    expect(hostOf(coming.driveId)).toBe("h0");
    for (const group of groups()) expect(new Set(group?.homes.map(hostOf)).size).toBe(4);
    expect(groups().some((group) => group?.homes.includes(coming.driveId))).toBe(true);
  });
});

describe("incarnations", () => {
  test("are kept by the log, the highest only", async () => {
    const [first] = ids as [DriveId];
    const note = async (incarnation: number) => {
      const change = noteIncarnations({ view: log.view, random }, [{ driveId: first, incarnation }]);
      if (change !== null) await log.commit(change);
      return change;
    };
    expect(knownIncarnation(log.view, first)).toBe(0);
    await note(3);
    expect(knownIncarnation(log.view, first)).toBe(3);
    expect(await note(2)).toBeNull();
    expect(knownIncarnation(log.view, first)).toBe(3);
    const record = records.DriveRecord.decode(log.view.get(keys.drive(first))?.value ?? Buffer.alloc(0));
    expect(idFromBytes("drive", record.driveId)).toBe(first);
  });

  test("of drives that the log does not know are not noted", () => {
    expect(
      noteIncarnations({ view: log.view, random }, [{ driveId: newId("drive", random), incarnation: 1 }]),
    ).toBeNull();
    expect(knownIncarnation(log.view, newId("drive", random))).toBe(0);
  });
});
