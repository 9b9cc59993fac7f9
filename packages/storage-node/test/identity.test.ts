import { createMemoryDisk, createNodeDisk, faultyDisk } from "@kakera/disk";
import { newId, type ClusterId, type Disk, type DriveId } from "@kakera/kernel";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import {
  formatDrive,
  inspectPlace,
  judgePlace,
  readIdentity,
  type DeviceRelation,
  type DriveIdentity,
  type PlaceExpectation,
  type PlaceFinding,
} from "../src/index.ts";
import { decodeIdentity, encodeIdentity } from "../src/identity/identity-record.ts";
import { formattedDisk, makeShard, openTestDrive, random, readVerified, refOf } from "./drive-kit.ts";

const cluster = newId("cluster", random) as ClusterId;
const driveId = newId("drive", random) as DriveId;
const identity: DriveIdentity = {
  clusterId: cluster,
  driveId,
  incarnation: 5,
  formatVersion: 1,
  deviceRelation: "own-device",
  witness: null,
};
const known: PlaceExpectation = {
  clusterId: cluster,
  incarnationOf: (id) => (id === driveId ? 5 : null),
  knownHere: driveId,
  foundElsewhere: new Set(),
  isReplacing: false,
};
const creating: PlaceExpectation = { ...known, clusterId: null, knownHere: null, incarnationOf: () => null };

function drive(change: Partial<DriveIdentity> = {}, deviceRelation: DeviceRelation = "own-device"): PlaceFinding {
  return { kind: "drive", identity: { ...identity, ...change }, deviceRelation };
}
const empty = (deviceRelation: DeviceRelation): PlaceFinding => ({ kind: "empty", deviceRelation });

describe("judgePlace()", () => {
  it.each<[string, PlaceFinding, PlaceExpectation, string, string?]>([
    ["a drive of this cluster at the incarnation that the log knows", drive(), known, "online"],
    ["a drive that was started without the log hearing of it", drive({ incarnation: 6 }), known, "online"],
    [
      "a drive at a lower incarnation: rolled back, or a clone",
      drive({ incarnation: 4 }),
      known,
      "read-only",
      "DRIVE_FOREIGN",
    ],
    [
      "a drive of another cluster",
      drive({ clusterId: newId("cluster", random) as ClusterId }),
      known,
      "refuse",
      "DRIVE_FOREIGN",
    ],
    [
      "a drive that the cluster does not know",
      drive({ driveId: newId("drive", random) as DriveId }),
      known,
      "refuse",
      "DRIVE_FOREIGN",
    ],
    [
      "a drive that is found at two places",
      drive(),
      { ...known, foundElsewhere: new Set([driveId]) },
      "refuse",
      "DRIVE_FOREIGN",
    ],
    ["a drive of a newer format", drive({ formatVersion: 2 }), known, "refuse", "VERSION_SKEW"],
    [
      "a drive that had its own device and lies on its parent's",
      drive({}, "parent-device"),
      known,
      "refuse",
      "DRIVE_NOT_MOUNTED",
    ],
    [
      "a drive that never had a device of its own",
      drive({ deviceRelation: "parent-device" }, "parent-device"),
      known,
      "online",
    ],
    ["any drive when a cluster is created", drive(), creating, "refuse", "DRIVE_FOREIGN"],
    ["no folder", { kind: "no-folder" }, known, "refuse", "DRIVE_NOT_MOUNTED"],
    ["no folder, at the creation", { kind: "no-folder" }, creating, "refuse", "DRIVE_NOT_MOUNTED"],
    ["strange files", { kind: "unknown-files", deviceRelation: "own-device" }, known, "refuse", "DRIVE_FOREIGN"],
    [
      "strange files, at the creation",
      { kind: "unknown-files", deviceRelation: "own-device" },
      creating,
      "refuse",
      "DRIVE_FOREIGN",
    ],
    ["an empty folder where a drive was", empty("parent-device"), known, "refuse", "DRIVE_NOT_MOUNTED"],
    ["an empty mount where a drive was that nobody gave up", empty("own-device"), known, "refuse", "DRIVE_NOT_MOUNTED"],
    ["an empty folder, at the creation", empty("parent-device"), creating, "format"],
    [
      "an empty folder that an operator names for replacement",
      empty("parent-device"),
      { ...known, isReplacing: true },
      "format",
    ],
    [
      "an empty mount of its own where a drive was declared gone",
      empty("own-device"),
      { ...known, knownHere: "gone" },
      "format",
    ],
    [
      "an empty folder on its parent's device where a drive was declared gone",
      empty("parent-device"),
      { ...known, knownHere: "gone" },
      "refuse",
      "DRIVE_NOT_MOUNTED",
    ],
    [
      "an empty mount that nobody asked for",
      empty("own-device"),
      { ...known, knownHere: null },
      "refuse",
      "DRIVE_NOT_MOUNTED",
    ],
  ])("judges %s", (_, found, expected, kind, reason) => {
    expect(judgePlace(found, expected)).toMatchObject(reason === undefined ? { kind } : { kind, reason });
  });
});

describe("inspectPlace()", () => {
  const folders: string[] = [];
  afterEach(() => folders.splice(0).forEach((folder) => rmSync(folder, { recursive: true, force: true })));

  function newPlace(): { root: string; look: () => Promise<PlaceFinding> } {
    const root = mkdtempSync(join(tmpdir(), "kakera-place-"));
    folders.push(root);
    return { root, look: () => inspectPlace(createNodeDisk(join(root, "data")), createNodeDisk(root)) };
  }

  it("sees a missing folder, an empty one, strange files and a drive", async () => {
    const { root, look } = newPlace();
    expect(await look()).toEqual({ kind: "no-folder" });
    mkdirSync(join(root, "data"));
    expect(await look()).toEqual({ kind: "empty", deviceRelation: "parent-device" });
    mkdirSync(join(root, "data/lost+found"));
    expect(await look()).toMatchObject({ kind: "empty" });
    writeFileSync(join(root, "data/notes.txt"), "mine");
    expect(await look()).toMatchObject({ kind: "unknown-files" });
    rmSync(join(root, "data/notes.txt"));
    await formatDrive(createNodeDisk(join(root, "data")), {
      clusterId: cluster,
      driveId,
      deviceRelation: "parent-device",
    });
    expect(await look()).toMatchObject({ kind: "drive", identity: { driveId, incarnation: 0 } });
  });

  it("sees a damaged identity as strange files, never as an empty folder", async () => {
    const { root, look } = newPlace();
    mkdirSync(join(root, "data"));
    await formatDrive(createNodeDisk(join(root, "data")), {
      clusterId: cluster,
      driveId,
      deviceRelation: "parent-device",
    });
    writeFileSync(join(root, "data/.kakera/identity"), "garbage");
    expect(await look()).toMatchObject({ kind: "unknown-files" });
  });

  it("sees segments without an identity as strange files", async () => {
    const { root, look } = newPlace();
    mkdirSync(join(root, "data/segments"), { recursive: true });
    expect(await look()).toMatchObject({ kind: "empty" });
    writeFileSync(join(root, "data/segments/00000000200001.segment"), "x");
    expect(await look()).toMatchObject({ kind: "unknown-files" });
  });

  it("tells a device of its own from the parent's", async () => {
    const [mount, parent] = [createMemoryDisk({ deviceId: 8 }), createMemoryDisk({ deviceId: 9 })];
    expect(await inspectPlace(mount, parent)).toEqual({ kind: "empty", deviceRelation: "own-device" });
    expect(await inspectPlace(mount, mount)).toEqual({ kind: "empty", deviceRelation: "parent-device" });
  });
});

describe("a drive's identity", () => {
  it("says again what was written, and nothing when a bit is flipped or the end is missing", () => {
    const full = { ...identity, witness: { term: 3, sequence: 2 ** 40, checksum: Buffer.from("0123456789abcdef") } };
    const bytes = encodeIdentity(full);
    expect(decodeIdentity(bytes)).toEqual(full);
    expect(decodeIdentity(encodeIdentity(identity))).toEqual(identity);
    for (let at = 0; at < bytes.byteLength; at++) {
      const flipped = Buffer.from(bytes);
      flipped[at] = flipped[at]! ^ 4;
      expect(decodeIdentity(flipped)).toBeNull();
      expect(decodeIdentity(bytes.subarray(0, at))).toBeNull();
    }
  });

  it("has an incarnation that is raised, durably, before anything else is written", async () => {
    const inner = await formattedDisk();
    const calls: string[] = [];
    const disk = faultyDisk(inner, (call) => {
      if (["write", "fdatasync", "rename", "syncDirectory"].includes(call.operation))
        calls.push(`${call.operation} ${call.path}`);
      return null;
    });
    const before = (await readIdentity(inner)) as DriveIdentity;
    const opened = await openTestDrive(disk);
    await opened.put(makeShard());
    expect(calls.slice(0, 4)).toEqual([
      "write .kakera/identity.new",
      "fdatasync .kakera/identity.new",
      "rename .kakera/identity.new",
      "syncDirectory .kakera",
    ]);
    expect(opened.identity.incarnation).toBe(before.incarnation + 1);
    expect(((await readIdentity(inner)) as DriveIdentity).incarnation).toBe(before.incarnation + 1);
    await openTestDrive(disk);
    expect(((await readIdentity(inner)) as DriveIdentity).incarnation).toBe(before.incarnation + 2);
  });

  it("stays the old one when the process dies before the rename", async () => {
    const disk = await formattedDisk();
    const before = (await readIdentity(disk)) as DriveIdentity;
    const failpoints = {
      hit: (name: string): void => {
        if (name === "identity.before-rename") throw new Error("the process is dead");
      },
    };
    await expect(openTestDrive(disk, { components: { failpoints } })).rejects.toThrow("dead");
    expect(await readIdentity(disk)).toEqual(before);
    expect((await openTestDrive(disk)).identity.incarnation).toBe(before.incarnation + 1);
  });

  it("keeps the log's witness", async () => {
    const disk = await formattedDisk();
    const opened = await openTestDrive(disk);
    await Promise.all(
      [1, 2, 3].map((sequence) => opened.writeWitness({ term: 1, sequence, checksum: Buffer.of(sequence) })),
    );
    expect(await readIdentity(disk)).toMatchObject({
      witness: { term: 1, sequence: 3, checksum: Buffer.of(3) },
      incarnation: opened.identity.incarnation,
    });
    expect((await openTestDrive(disk)).identity.witness).toMatchObject({ sequence: 3 });
  });

  it("is asked for: a folder without one is not opened", async () => {
    await expect(openTestDrive(createMemoryDisk())).rejects.toMatchObject({ kind: "halt", reason: "DRIVE_FOREIGN" });
  });
});

describe("a drive that may be a copy of itself", () => {
  it("is opened read-only: it is read, takes nothing, and nothing on it is changed", async () => {
    const inner = await formattedDisk();
    const first = await openTestDrive(inner);
    const shards = [makeShard(), makeShard({ sizeBytes: 2 ** 20 })];
    for (const shard of shards) await first.put(shard);
    const changes: string[] = [];
    const disk: Disk = faultyDisk(inner, (call) => {
      if (["write", "rename", "unlink", "truncate", "makeDirectory"].includes(call.operation))
        changes.push(`${call.operation} ${call.path}`);
      return null;
    });
    const copy = await openTestDrive(disk, { settings: { access: "read-only" } });
    for (const shard of shards)
      expect(((await readVerified(copy, refOf(shard), 2 ** 20)) as Buffer).equals(shard.payload)).toBe(true);
    expect(copy.status()).toMatchObject({ condition: "failed", reason: "DRIVE_FOREIGN", shardCount: 2 });
    await expect(copy.put(makeShard())).rejects.toMatchObject({ reason: "DRIVE_FOREIGN" });
    await expect(copy.remove([refOf(shards[0]!)])).rejects.toMatchObject({ reason: "DRIVE_FOREIGN" });
    await copy.close();
    expect(changes).toEqual([]);
  });
});
