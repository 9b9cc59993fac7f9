import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { createMemoryDisk } from "@kakera/disk";
import { createSeededRandom, idBytes, newId } from "@kakera/kernel";
import { createMemoryLog, createMemoryView, keys, type NodeRecord } from "@kakera/metadata";
import { records } from "@kakera/protocol";
import { judgeVersions } from "../src/admin/judge-versions.ts";
import { checkCluster } from "../src/compose/begin-cluster.ts";
import { CommandFailure } from "../src/command-failure.ts";
import { readFormationFile } from "../src/compose/formation-file.ts";
import { checkLevel } from "../src/upgrade/check-level.ts";
import { judgeRise } from "../src/upgrade/judge-rise.ts";

const random = createSeededRandom(31);
const drives = [newId("drive", random), newId("drive", random), newId("drive", random)];
const first = { active: 1, next: null };

/** `newest` null: a node of the first release, which says nothing of levels. */
function nodeOf(at: number, newest: number | null): NodeRecord {
  return {
    nodeId: newId("node", random),
    address: `10.0.0.${at}:9010`,
    zone: null,
    rack: null,
    host: `host${at}`,
    version: newest === null ? "0.1.0" : `0.${newest}.0`,
    ...(newest === null ? {} : { levels: { oldest: 1, newest } }),
    roles: ["gateway", "storage"],
    drives: [{ driveId: drives[at] as (typeof drives)[number], sizeBytes: 1, incarnation: 1 }],
  };
}

describe("the feature level of a cluster", () => {
  test("rises to what all can read", () => {
    const nodes = [nodeOf(0, 3), nodeOf(1, 2), nodeOf(2, 3)];
    expect(judgeRise(first, { nodes, drives })).toEqual({ kind: "rise", to: 2 });
    expect(judgeRise({ active: 2, next: null }, { nodes, drives })).toMatchObject({ kind: "stay" });
  });

  test("is kept down by one older node, and by one that says nothing", () => {
    for (const newest of [1, null]) {
      const nodes = [nodeOf(0, 2), nodeOf(1, newest), nodeOf(2, 2)];
      expect(judgeRise(first, { nodes, drives })).toMatchObject({
        kind: "stay",
        why: expect.stringContaining("host1"),
      });
    }
  });

  test("waits for a drive that is away: its node may be older", () => {
    const nodes = [nodeOf(0, 2), nodeOf(1, 2)];
    expect(judgeRise(first, { nodes, drives })).toMatchObject({
      kind: "stay",
      why: expect.stringContaining("1 drives"),
    });
    expect(judgeRise(first, { nodes, drives: drives.slice(0, 2) })).toEqual({ kind: "rise", to: 2 });
  });
});

describe("a program", () => {
  const refusal = (level: Parameters<typeof checkLevel>[0], range: Parameters<typeof checkLevel>[1]): string => {
    try {
      checkLevel(level, range);
    } catch (failure) {
      if (failure instanceof CommandFailure) return `${failure.reason} ${failure.exitCode} ${failure.message}`;
      throw failure;
    }
    return "taken";
  };

  test("works at the levels that it knows, also just before a rise to one of them", () => {
    expect(refusal({ active: 1, next: null }, { oldest: 1, newest: 1 })).toBe("taken");
    expect(refusal({ active: 1, next: 2 }, { oldest: 1, newest: 2 })).toBe("taken");
  });

  test("is refused where the cluster is, or goes, beyond them, and where it is too new", () => {
    const old = { oldest: 1, newest: 1 };
    expect(refusal({ active: 2, next: null }, old)).toMatch(
      /^VERSION_SKEW 4 the cluster is at feature level 2, and .* level 1/,
    );
    expect(refusal({ active: 1, next: 2 }, old)).toMatch(/^VERSION_SKEW 4 the cluster is going to feature level 2/);
    expect(refusal({ active: 1, next: null }, { oldest: 2, newest: 3 })).toMatch(/levels 2 to 3: releases between/);
  });
});

test("a start looks at the level before it touches anything else of the log", () => {
  const view = createMemoryView();
  const clusterId = newId("cluster", random);
  const value = records.ClusterRecord.encode({ clusterId: idBytes(clusterId), formatVersion: 2 }).finish();
  const position = { logId: "a".repeat(32), revision: 1, term: 1, sequence: 1, checksum: "b".repeat(32) };
  view.apply({ revision: 1, position, writes: [{ kind: "put", key: keys.cluster(), value, revision: 1 }] });
  const log = createMemoryLog({ view, session: newId("session", random) });
  const formation = { clusterId, epoch: 1, geometry: null, drives: [], journal: [] };
  const check = (newest: number): string => checkCluster({ log, levels: { oldest: 1, newest } }, formation);
  expect(check(2)).toBe("known");
  expect(() => check(1)).toThrow("the cluster is at feature level 2");
});

test("status tells which node runs which version, while they differ", () => {
  const report = (host: string, version: string, newest: number) => ({ host, version, levels: { oldest: 1, newest } });
  expect(judgeVersions([report("a", "0.1.0", 1), report("b", "0.1.0", 1)])).toEqual([]);
  expect(judgeVersions([report("c", "0.2.0", 2), report("b", "0.1.0", 1), report("a", "0.1.0", 1)])).toMatchObject([
    {
      reason: "VERSION_SKEW",
      sentence: "the nodes run 2 versions: 0.1.0 (feature level 1) on a, b; 0.2.0 (feature level 2) on c",
    },
  ]);
});

test("a formation file of a newer version is refused with both formats, and what to do", async () => {
  const disk = createMemoryDisk();
  const line = JSON.stringify({ format: 2, otherwise: "told" });
  await disk.makeDirectory(".kakera");
  const file = await disk.open(".kakera/formation", { access: "create" });
  await file.write(Buffer.from(`${line}\n${createHash("sha256").update(line).digest("hex")}\n`), 0);
  await file.close();
  await expect(readFormationFile(disk)).rejects.toMatchObject({
    reason: "VERSION_SKEW",
    message: "the drive's formation file has format 2, and this version reads formats up to 1",
    remedy: "start the version that wrote it",
  });
});
