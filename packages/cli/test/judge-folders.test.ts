import { createSeededRandom, newId, type ClusterId, type DriveId } from "@kakera/kernel";
import type { DriveIdentity, PlaceFinding } from "@kakera/storage-node";
import { describe, expect, test } from "vitest";
import type { FormationFile } from "../src/compose/formation-file.ts";
import { judgeFolders, type FoundFolder } from "../src/compose/judge-folders.ts";

const random = createSeededRandom(3);
const clusterId = newId("cluster", random);
const ids = [1, 2, 3, 4].map(() => newId("drive", random)) as [DriveId, DriveId, DriveId, DriveId];
const formation: FormationFile = { clusterId, epoch: 1, geometry: { k: 2, m: 2 }, drives: ids, journal: ids };
const deviceRelation = "parent-device";
const empty: PlaceFinding = { kind: "empty", deviceRelation };

function drive(driveId: DriveId, change: Partial<DriveIdentity> = {}): PlaceFinding {
  const identity = {
    clusterId,
    driveId,
    incarnation: 3,
    formatVersion: 1,
    deviceRelation,
    witness: null,
    ...change,
  } as const;
  return { kind: "drive", identity, deviceRelation };
}

type Given = PlaceFinding | [PlaceFinding, FormationFile | null];

function folders(...found: readonly Given[]): FoundFolder[] {
  return found.map((each, index) => {
    const [finding, file] = Array.isArray(each) ? each : [each, each.kind === "drive" ? formation : null];
    return { place: `/d${index + 1}`, finding, formation: file, hasJournal: finding.kind === "drive", trouble: null };
  });
}

const verdicts = (...found: readonly Given[]) => {
  const verdict = judgeFolders(folders(...found));
  return verdict.kind === "form"
    ? "form"
    : verdict.folders.map((each) => (each.kind === "drive" ? "drive" : each.reason));
};
const refusal = expect.objectContaining({ exitCode: 4 }) as Error;

describe("a first start", () => {
  test("forms folders that are empty or not there", () => {
    expect(judgeFolders(folders(empty, { kind: "no-folder" }))).toEqual({ kind: "form", begun: null });
  });

  test("touches nothing when one of them holds other files", () => {
    expect(() => judgeFolders(folders(empty, { kind: "unknown-files", deviceRelation }))).toThrow(refusal);
  });

  test("does not happen over a journal whose identity is lost", () => {
    const orphan = {
      place: "/d1",
      finding: { kind: "unknown-files", deviceRelation },
      formation,
      hasJournal: true,
      trouble: null,
    } as const;
    expect(() => judgeFolders([orphan, ...folders(empty)])).toThrow(refusal);
  });

  test("that was cut short before any identity goes on with what it chose", () => {
    const begun: [PlaceFinding, FormationFile] = [{ kind: "unknown-files", deviceRelation }, formation];
    expect(judgeFolders(folders(begun, begun, begun, begun))).toEqual({ kind: "form", begun: formation });
    expect(judgeFolders(folders(begun, empty, empty, empty))).toEqual({ kind: "form", begun: null });
  });

  test("that was cut short between identities goes on with what it chose", () => {
    const begun: [PlaceFinding, FormationFile] = [{ kind: "unknown-files", deviceRelation }, formation];
    const fresh = drive(ids[0], { incarnation: 0 });
    expect(judgeFolders(folders([fresh, formation], begun, begun, begun))).toEqual({ kind: "form", begun: formation });
  });

  test("is not what a start with missing drives is taken for", () => {
    const fresh = drive(ids[0], { incarnation: 0 });
    expect(verdicts([fresh, formation], empty, empty, empty)).toEqual([
      "drive",
      "DRIVE_NOT_MOUNTED",
      "DRIVE_NOT_MOUNTED",
      "DRIVE_NOT_MOUNTED",
    ]);
  });
});

describe("a later start", () => {
  test("opens what is there, in any order of the command line", () => {
    expect(verdicts(drive(ids[3]), drive(ids[0]), drive(ids[1]), drive(ids[2]))).toEqual([
      "drive",
      "drive",
      "drive",
      "drive",
    ]);
  });

  test.each<[string, Given, string]>([
    ["an empty folder", empty, "DRIVE_NOT_MOUNTED"],
    ["an empty folder on a device of its own", { kind: "empty", deviceRelation: "own-device" }, "DRIVE_NOT_MOUNTED"],
    ["no folder", { kind: "no-folder" }, "DRIVE_NOT_MOUNTED"],
    ["somebody's files", { kind: "unknown-files", deviceRelation }, "DRIVE_FOREIGN"],
    [
      "another cluster's drive",
      drive(newId("drive", random), { clusterId: newId("cluster", random) }),
      "DRIVE_FOREIGN",
    ],
    ["a drive that was replaced before", drive(newId("drive", random)), "DRIVE_FOREIGN"],
    ["a drive of a newer version", drive(ids[1], { formatVersion: 99 }), "VERSION_SKEW"],
    ["a copy of the drive without its mount", drive(ids[1], { deviceRelation: "own-device" }), "DRIVE_NOT_MOUNTED"],
  ])("leaves %s alone, and goes on with the others", (_name, found, reason) => {
    expect(verdicts(drive(ids[0]), found, drive(ids[2]), drive(ids[3]))).toEqual(["drive", reason, "drive", "drive"]);
  });

  test("goes on without a folder that errs or hangs, and forms nothing beside one", () => {
    const troubled: FoundFolder = {
      place: "/d2",
      finding: { kind: "no-folder" },
      formation: null,
      hasJournal: false,
      trouble: "stat .: EIO",
    };
    const verdict = judgeFolders([...folders(drive(ids[0])), troubled, ...folders(drive(ids[2]), drive(ids[3]))]);
    expect(verdict.kind === "open" && verdict.folders[1]).toMatchObject({ kind: "leave", reason: "DRIVE_FAILED" });
    expect(() => judgeFolders([...folders(empty), troubled])).toThrow(refusal);
  });

  test("refuses both of two folders with one and the same drive", () => {
    expect(verdicts(drive(ids[0]), drive(ids[1]), drive(ids[1]), drive(ids[3]))).toEqual([
      "drive",
      "DRIVE_FOREIGN",
      "DRIVE_FOREIGN",
      "drive",
    ]);
  });

  test("goes by the newest formation: a drive that was replaced while it was away stays out", () => {
    const successor = newId("drive", random);
    const newer: FormationFile = { ...formation, epoch: 2, drives: [ids[0], successor, ids[2], ids[3]] };
    const found = verdicts(
      [drive(ids[0]), newer],
      [drive(ids[1]), formation],
      [drive(ids[2]), newer],
      [drive(ids[3]), newer],
    );
    expect(found).toEqual(["drive", "DRIVE_FOREIGN", "drive", "drive"]);
  });

  test("refuses as many drives of one cluster as of another", () => {
    const other = newId("cluster", random) as ClusterId;
    const foreign = (driveId: DriveId): [PlaceFinding, FormationFile] => [
      drive(driveId, { clusterId: other }),
      { ...formation, clusterId: other },
    ];
    expect(() => judgeFolders(folders(drive(ids[0]), foreign(ids[1])))).toThrow(refusal);
    expect(verdicts(drive(ids[0]), drive(ids[1]), foreign(ids[2]))).toEqual(["drive", "drive", "DRIVE_FOREIGN"]);
  });
});
