import { describe, expect, test } from "vitest";
import { KIB, MIB } from "@kakera/kernel";
import { declareDrive, ranges, readRepair } from "@kakera/metadata";
import { newId } from "@kakera/kernel";
import { repairOnce, takeUpRows } from "../src/repair/run-repairs.ts";
import { verifyShard } from "../src/scrub/verify-shard.ts";
import { createTestCluster, damage, patternBytes, putChange, shardsOf, type TestCluster } from "./kit/test-cluster.ts";

const sizes = [20 * KIB, 300 * KIB, 5 * MIB];

/** Every item that is due, one after the other. */
async function repairAll(cluster: TestCluster): Promise<string[]> {
  const outcomes: string[] = [];
  for (
    let item = cluster.parts.backlog.next();
    item !== null && outcomes.length < 100;
    item = cluster.parts.backlog.next()
  ) {
    outcomes.push(await cluster.run(repairOnce(cluster.parts, item)));
  }
  return outcomes;
}

async function verified(cluster: TestCluster, shards: Awaited<ReturnType<typeof shardsOf>>): Promise<string[]> {
  const verdicts: string[] = [];
  for (const { driveIndex, ref } of shards)
    verdicts.push(await cluster.run(verifyShard(cluster.parts, { drive: cluster.drives[driveIndex]!, ref })));
  return verdicts;
}

describe("repair", () => {
  for (const sizeBytes of sizes) {
    for (const geometry of [
      { k: 1, m: 1 },
      { k: 2, m: 2 },
      { k: 4, m: 2 },
    ]) {
      test(`makes up to m removed shards anew, byte for byte as they were (${geometry.k}+${geometry.m}, ${sizeBytes} bytes)`, async () => {
        const cluster = await createTestCluster({ geometry });
        const freeBytes = cluster.freeMemoryBytes();
        const bytes = patternBytes(sizeBytes, 3);
        const dataId = await cluster.put("a", bytes);
        const shards = await shardsOf(cluster, dataId);
        const form = sizeBytes <= 32 * KIB ? geometry.m + 1 : geometry.k + geometry.m;
        expect(shards).toHaveLength(form);
        for (const { driveIndex, ref } of shards.slice(0, geometry.m))
          await cluster.drives[driveIndex]!.drive.remove([ref]);
        cluster.parts.backlog.report({
          ref: shards[0]!.ref,
          driveId: cluster.drives[shards[0]!.driveIndex]!.driveId,
          why: "missing",
        });
        expect(await repairAll(cluster)).toEqual(["whole"]);
        expect(await shardsOf(cluster, dataId)).toEqual(shards);
        expect(new Set(await verified(cluster, shards))).toEqual(new Set(["sound"]));
        expect(cluster.counters.get("kakera_repair_bytes_total")).toBeGreaterThan(0);
        // Those that were there before may go now: what was made anew serves.
        for (const { driveIndex, ref } of shards.slice(geometry.m, 2 * geometry.m))
          await cluster.drives[driveIndex]!.drive.remove([ref]);
        expect((await cluster.read("a")).equals(bytes)).toBe(true);
        expect(cluster.freeMemoryBytes()).toBe(freeBytes);
      });
    }

    test(`replaces a damaged shard in its place, and reads never see it (${sizeBytes} bytes)`, async () => {
      const cluster = await createTestCluster({ geometry: { k: 2, m: 1 } });
      const bytes = patternBytes(sizeBytes, 4);
      const dataId = await cluster.put("a", bytes);
      const shards = await shardsOf(cluster, dataId);
      const bad = shards.find(({ ref }) => ref.shardIndex === 0)!;
      await damage(cluster, bad);
      expect(await verified(cluster, [bad])).toEqual(["damaged"]);
      expect((await cluster.read("a")).equals(bytes)).toBe(true);
      expect(cluster.parts.backlog.next()?.damaged.get(0)).toBe(cluster.drives[bad.driveIndex]!.driveId);
      expect(await repairAll(cluster)).toEqual(["whole"]);
      expect(new Set(await verified(cluster, shards))).toEqual(new Set(["sound"]));
    });
  }

  test("does not write what differs from the digest in its siblings' footers", async () => {
    const cluster = await createTestCluster({ geometry: { k: 2, m: 1 } });
    const dataId = await cluster.put("a", patternBytes(300 * KIB, 5));
    const shards = await shardsOf(cluster, dataId);
    const lost = shards.find(({ ref }) => ref.shardIndex === 2)!;
    await cluster.drives[lost.driveIndex]!.drive.remove([lost.ref]);
    // A codec that errs makes another parity than the one that was written.
    const reconstruct: typeof cluster.parts.codec.reconstruct = (geometry, size, offsets, present, wanted) => {
      cluster.parts.codec.reconstruct(geometry, size, offsets, present, wanted);
      Buffer.from(cluster.parts.memory.memory.buffer, offsets[2]!, 1)[0]! ^= 1;
    };
    cluster.parts.backlog.report({ ref: lost.ref, driveId: cluster.drives[lost.driveIndex]!.driveId, why: "missing" });
    const item = cluster.parts.backlog.next()!;
    const erring = { ...cluster.parts, codec: { ...cluster.parts.codec, reconstruct } };
    expect(await cluster.run(repairOnce(erring, item))).toBe("waiting");
    expect(await shardsOf(cluster, dataId)).toHaveLength(2);
  });

  test("waits for a home that is away, and mends what is not", async () => {
    const cluster = await createTestCluster({ geometry: { k: 2, m: 2 } });
    const dataId = await cluster.put("a", patternBytes(300 * KIB, 6));
    const shards = await shardsOf(cluster, dataId);
    const [away, lost] = [shards[0]!, shards[1]!];
    cluster.drives[away.driveIndex]!.isAway = true;
    await cluster.drives[lost.driveIndex]!.drive.remove([lost.ref]);
    cluster.parts.backlog.report({ ref: lost.ref, driveId: cluster.drives[lost.driveIndex]!.driveId, why: "missing" });
    expect(await repairAll(cluster)).toEqual(["waiting"]);
    expect(await shardsOf(cluster, dataId)).toEqual(shards);
    expect(cluster.parts.backlog.waitingCount).toBe(1);
    cluster.drives[away.driveIndex]!.isAway = false;
    cluster.parts.backlog.hurry();
    expect(await repairAll(cluster)).toEqual(["whole"]);
    expect(cluster.parts.backlog.waitingCount).toBe(0);
  });

  test("gives up what no record names any more, and writes nothing for it", async () => {
    const cluster = await createTestCluster({ geometry: { k: 2, m: 1 } });
    const dataId = await cluster.put("a", patternBytes(300 * KIB, 7));
    const [first] = await shardsOf(cluster, dataId);
    await cluster.drives[first!.driveIndex]!.drive.remove([first!.ref]);
    cluster.parts.backlog.report({
      ref: first!.ref,
      driveId: cluster.drives[first!.driveIndex]!.driveId,
      why: "missing",
    });
    await cluster.remove("a");
    expect(await repairAll(cluster)).toEqual(["gone"]);
    expect(await shardsOf(cluster, dataId)).toHaveLength(2);
  });

  test("says that a chunk is lost when fewer than k shards are left though every home answers, and keeps what there is", async () => {
    const cluster = await createTestCluster({ geometry: { k: 2, m: 1 } });
    const dataId = await cluster.put("a", patternBytes(300 * KIB, 8));
    const shards = await shardsOf(cluster, dataId);
    for (const { driveIndex, ref } of shards.slice(0, 2)) await cluster.drives[driveIndex]!.drive.remove([ref]);
    cluster.parts.backlog.report({
      ref: shards[0]!.ref,
      driveId: cluster.drives[shards[0]!.driveIndex]!.driveId,
      why: "missing",
    });
    expect(await repairAll(cluster)).toEqual(["lost"]);
    expect(await shardsOf(cluster, dataId)).toEqual(shards.slice(2));
  });

  for (const sizeBytes of sizes) {
    test(`moves substitutes home, then drops the row, then the copies (${sizeBytes} bytes)`, async () => {
      const cluster = await createTestCluster({ geometry: { k: 2, m: 1 }, driveCount: 5 });
      cluster.drives[0]!.isAway = true;
      const bytes = patternBytes(sizeBytes, 9);
      const dataIds: Awaited<ReturnType<typeof cluster.put>>[] = [];
      for (let i = 0; i < 6; i++) dataIds.push(await cluster.put(`k${i}`, bytes));
      const onSubstitutes = dataIds.filter((dataId) => readRepair(cluster.log.view, dataId) !== null);
      expect(onSubstitutes.length).toBeGreaterThan(0);
      cluster.drives[0]!.isAway = false;
      takeUpRows(cluster.parts, null);
      expect(new Set(await repairAll(cluster))).toEqual(new Set(["whole"]));
      const { from, to } = ranges.table("repair");
      expect(cluster.log.view.range(from, to, 10)).toEqual([]);
      for (const dataId of dataIds) {
        const shards = await shardsOf(cluster, dataId);
        expect(shards).toHaveLength(sizeBytes <= 32 * KIB ? 2 : 3);
        const homes = cluster.map.group(1, shards[0]!.ref.group)!.homes;
        for (const { driveIndex, ref } of shards)
          expect(homes[ref.shardIndex]).toBe(cluster.drives[driveIndex]!.driveId);
        expect(new Set(await verified(cluster, shards))).toEqual(new Set(["sound"]));
      }
    });
  }

  test("keeps the row and the substitute while the home is declared away", async () => {
    const cluster = await createTestCluster({ geometry: { k: 2, m: 1 }, driveCount: 4 });
    cluster.drives[0]!.isAway = true;
    let dataId = await cluster.put("a", patternBytes(300 * KIB, 1));
    for (let i = 0; readRepair(cluster.log.view, dataId) === null; i++)
      dataId = await cluster.put(`a${i}`, patternBytes(300 * KIB, i));
    const declaration = { standing: "DOWN", nowMs: 1, changeId: newId("change", cluster.author.random) } as const;
    const change = declareDrive(cluster.log.view, cluster.drives[0]!.driveId, declaration);
    if (change !== null) await cluster.commit(change);
    cluster.drives[0]!.isAway = false;
    const before = await shardsOf(cluster, dataId);
    takeUpRows(cluster.parts, null);
    expect(new Set(await repairAll(cluster))).toEqual(new Set(["waiting"]));
    expect(readRepair(cluster.log.view, dataId)).not.toBeNull();
    expect(await shardsOf(cluster, dataId)).toEqual(before);
  });

  test("takes the chunk with the fewest shards left first", async () => {
    const cluster = await createTestCluster({ geometry: { k: 2, m: 2 } });
    const { backlog } = cluster.parts;
    const ids = await Promise.all(
      [0, 1, 2].map(
        async (i) => (await shardsOf(cluster, await cluster.put(`k${i}`, patternBytes(300 * KIB, i))))[0]!.ref,
      ),
    );
    for (const [i, spareShards] of [1, 0, 2].entries()) backlog.add({ ...ids[i]!, spareShards });
    expect(backlog.next()?.dataId).toBe(ids[1]!.dataId);
    backlog.done(backlog.next()!);
    expect(backlog.next()?.dataId).toBe(ids[0]!.dataId);
    backlog.putOff(backlog.next()!, 1_000);
    expect(backlog.next()?.dataId).toBe(ids[2]!.dataId);
    cluster.clock.advance(1_000);
    expect(backlog.next()?.dataId).toBe(ids[0]!.dataId);
    expect(backlog.oldestAgeMs).toBeGreaterThanOrEqual(1_000);
  });

  test("mends a body only from the moment on at which a record names it", async () => {
    const cluster = await createTestCluster({ geometry: { k: 2, m: 1 } });
    const written = await cluster.write("never", patternBytes(300 * KIB, 2));
    const change = putChange(cluster, "never", written);
    expect(change.puts.length).toBeGreaterThan(0);
    const dataId = Buffer.from(written.kind === "chunks" ? (written.place.dataId as Uint8Array) : []).toString(
      "hex",
    ) as never;
    const [shard] = await shardsOf(cluster, dataId);
    cluster.parts.backlog.report({
      ref: shard!.ref,
      driveId: cluster.drives[shard!.driveIndex]!.driveId,
      why: "missing",
    });
    expect(await repairAll(cluster)).toEqual(["gone"]);
    await cluster.commit(change);
    cluster.parts.backlog.report({
      ref: shard!.ref,
      driveId: cluster.drives[shard!.driveIndex]!.driveId,
      why: "missing",
    });
    expect(await repairAll(cluster)).toEqual(["whole"]);
  });
});
