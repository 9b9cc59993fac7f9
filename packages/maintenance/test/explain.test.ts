import { KIB } from "@kakera/kernel";
import { describe, expect, test } from "vitest";
import { explainObject } from "../src/explain/explain-object.ts";
import { bucketName, createTestCluster, damage, patternBytes, shardsOf, type TestCluster } from "./kit/test-cluster.ts";

function explain(cluster: TestCluster, key: string, reads: "headers" | "blocks" = "headers") {
  const call = { bucket: bucketName, objectKey: Buffer.from(key), reads, chunksMax: 10 };
  return cluster.run(explainObject(cluster.parts, call));
}

async function statesOf(cluster: TestCluster, key: string, reads: "headers" | "blocks"): Promise<string[]> {
  const shards = (await explain(cluster, key, reads))?.chunks[0]?.shards ?? [];
  return shards.flatMap(({ places }) => places.map(({ state }) => state));
}

describe("explainObject()", () => {
  test("names the home of every shard, and says that all agree", async () => {
    const cluster = await createTestCluster({ geometry: { k: 2, m: 2 } });
    const dataId = await cluster.put("a", patternBytes(300 * KIB, 1));
    const explained = await explain(cluster, "a");
    expect(explained).toMatchObject({ sizeBytes: 300 * KIB, chunkCount: 1, inlineBytes: 0, partCount: 0 });
    const [chunk] = explained!.chunks;
    expect(chunk).toMatchObject({ dataId, chunkIndex: 0, geometry: { k: 2, m: 2 }, spareDomains: 2, agrees: "yes" });
    const homes = cluster.map.group(1, chunk!.group)!.homes;
    expect(chunk!.shards.map(({ places }) => places)).toEqual(
      homes.map((driveId) => [expect.objectContaining({ driveId, role: "home", state: "holds" })]),
    );
    expect(new Set(chunk!.shards.map(({ digest }) => digest)).size).toBe(4);
  });

  test("tells what lacks, what is away, and what only a reading of every byte can find", async () => {
    const cluster = await createTestCluster({ geometry: { k: 2, m: 2 } });
    const dataId = await cluster.put("a", patternBytes(300 * KIB, 1));
    const shards = await shardsOf(cluster, dataId);
    const at = (index: number) => shards.find(({ ref }) => ref.shardIndex === index)!;
    await cluster.drives[at(0).driveIndex]!.drive.remove([at(0).ref]);
    cluster.drives[at(1).driveIndex]!.isAway = true;
    await damage(cluster, at(2));
    expect(await statesOf(cluster, "a", "headers")).toEqual(["lacks", "away", "holds", "holds"]);
    expect(await statesOf(cluster, "a", "blocks")).toEqual(["lacks", "away", "damaged", "verified"]);
    expect((await explain(cluster, "a", "headers"))!.chunks[0]!.spareDomains).toBe(0);
    expect((await explain(cluster, "a", "blocks"))!.chunks[0]!.spareDomains).toBe(-1);
  });

  test("shows a shard that waits on a substitute", async () => {
    const cluster = await createTestCluster({ geometry: { k: 2, m: 1 }, driveCount: 4 });
    cluster.drives[0]!.isAway = true;
    const keys = ["a", "b", "c", "d", "e", "f"];
    for (const [i, key] of keys.entries()) await cluster.put(key, patternBytes(300 * KIB, i));
    const roles: string[] = [];
    for (const key of keys) {
      for (const { places } of (await explain(cluster, key))!.chunks[0]!.shards)
        for (const { role, state } of places) roles.push(`${role} ${state}`);
    }
    expect(new Set(roles)).toEqual(new Set(["home holds", "home away", "substitute holds"]));
  });

  test("shows so many chunks as were asked for, and counts them all", async () => {
    const cluster = await createTestCluster({ geometry: { k: 2, m: 1 } });
    await cluster.put("a", patternBytes(300 * KIB, 1));
    const call = { bucket: bucketName, objectKey: Buffer.from("a"), reads: "headers", chunksMax: 0 } as const;
    expect(await cluster.run(explainObject(cluster.parts, call))).toMatchObject({ chunkCount: 1, chunks: [] });
    const later = { ...call, firstChunk: 1, chunksMax: 10 };
    expect(await cluster.run(explainObject(cluster.parts, later))).toMatchObject({ chunkCount: 1, chunks: [] });
  });

  test("knows what is not there", async () => {
    const cluster = await createTestCluster({ geometry: { k: 2, m: 1 } });
    expect(await explain(cluster, "nothing")).toBeNull();
  });
});
