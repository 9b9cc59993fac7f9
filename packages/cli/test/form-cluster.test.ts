import { createSeededRandom, newId, parseGeometry, type Geometry } from "@kakera/kernel";
import { createMemoryLog, createMemoryView, keys, readClusterMap } from "@kakera/metadata";
import { describe, expect, test } from "vitest";
import { chooseGeometry } from "../src/compose/choose-geometry.ts";
import { formCluster } from "../src/compose/form-cluster.ts";

describe("chooseGeometry()", () => {
  test.each([
    [1, "1+0"],
    [2, "1+1"],
    [3, "2+1"],
    [4, "2+2"],
    [5, "2+2"],
    [6, "4+2"],
    [8, "4+2"],
    [9, "6+3"],
    [11, "6+3"],
    [12, "8+4"],
    [40, "8+4"],
  ])("%i drives are formed with %s", (driveCount, text) => {
    expect(chooseGeometry(null, driveCount)).toEqual(parseGeometry(text));
  });

  test("takes a wish that fits, in our words and in MinIO's", () => {
    expect(chooseGeometry({ kind: "exact", geometry: { k: 3, m: 1 } }, 4)).toEqual({ k: 3, m: 1 });
    expect(chooseGeometry({ kind: "parity", m: 2 }, 6)).toEqual({ k: 4, m: 2 });
    expect(chooseGeometry({ kind: "parity", m: 4 }, 32)).toEqual({ k: 12, m: 4 });
  });

  test("refuses more shards than drives, and no data shard", () => {
    expect(() => chooseGeometry({ kind: "exact", geometry: { k: 4, m: 2 } }, 4)).toThrow(
      expect.objectContaining({ exitCode: 2 }),
    );
    expect(() => chooseGeometry({ kind: "parity", m: 4 }, 4)).toThrow(expect.objectContaining({ exitCode: 2 }));
  });
});

describe("formCluster()", () => {
  const random = createSeededRandom(1);
  const formation = (driveCount: number, geometry: Geometry) => ({
    clusterId: newId("cluster", random),
    geometry,
    level: "drive" as const,
    drives: Array.from({ length: driveCount }, () => {
      const driveId = newId("drive", random);
      return { driveId, weightBytes: 2 ** 40, domain: driveId };
    }),
    nowMs: 1000,
    random,
  });

  test("gives every group a home on a drive of its own for each shard", async () => {
    const log = createMemoryLog({ view: createMemoryView(), session: newId("session", random) });
    const given = formation(6, { k: 2, m: 2 });
    for (const change of formCluster(given)) expect((await log.commit(change)).outcome).toBe("committed");
    const map = readClusterMap(log.view);
    expect(map.drives().map((drive) => drive.driveId)).toEqual(given.drives.map((drive) => drive.driveId));
    const pool = map.writePool();
    expect(pool).toMatchObject({ geometry: { k: 2, m: 2 }, groupCount: 512 });
    for (let group = 0; group < 512; group++) {
      const homes = map.group(pool?.pool ?? 0, group)?.homes ?? [];
      expect(new Set(homes).size).toBe(4);
      expect(homes).not.toContain(null);
    }
  });

  test("is made again when it was cut short, and never over a cluster that is there", async () => {
    const log = createMemoryLog({ view: createMemoryView(), session: newId("session", random) });
    const given = formation(4, { k: 2, m: 2 });
    const [first] = formCluster(given);
    if (first !== undefined) await log.commit(first);
    for (const change of formCluster(given)) expect((await log.commit(change)).outcome).toBe("committed");
    for (const change of formCluster(given)) expect((await log.commit(change)).outcome).toBe("refused");
    expect(log.view.get(keys.cluster())).not.toBeNull();
  });
});
