import { describe, expect, test } from "vitest";
import { createManualClock, KIB, MIB } from "@kakera/kernel";
import { ranges } from "@kakera/metadata";
import { takeCensus } from "../src/census/take-census.ts";
import { collectGarbage } from "../src/garbage/collect-garbage.ts";
import { GarbageWatch } from "../src/garbage/garbage-watch.ts";
import { createTestCluster, patternBytes, shardsOf, type TestCluster } from "./kit/test-cluster.ts";

const graceMs = 60_000;
const never = new AbortController().signal;

function rowCount({ log }: TestCluster): number {
  const { from, to } = ranges.table("garbage");
  return log.view.range(from, to, 1000).length;
}

async function dropped(): Promise<{
  cluster: TestCluster;
  watch: GarbageWatch;
  collect: () => Promise<number>;
  dataIds: Awaited<ReturnType<TestCluster["put"]>>[];
}> {
  const cluster = await createTestCluster({ geometry: { k: 2, m: 1 }, driveCount: 4 });
  const dataIds = [
    await cluster.put("small", patternBytes(20 * KIB, 1)),
    await cluster.put("long", patternBytes(5 * MIB, 2)),
  ];
  await cluster.put("kept", patternBytes(300 * KIB, 3));
  await cluster.remove("small");
  await cluster.remove("long");
  const watch = new GarbageWatch({ clock: cluster.clock, reads: cluster.bodies.reads }, { graceMs });
  return { cluster, watch, dataIds, collect: () => cluster.run(collectGarbage(cluster.parts, watch)) };
}

describe("garbage", () => {
  test("is deleted with its row when the grace is over, and nothing else is", async () => {
    const { cluster, collect, dataIds } = await dropped();
    expect(rowCount(cluster)).toBe(2);
    expect(await collect()).toBe(0);
    cluster.clock.advance(graceMs);
    expect(await collect()).toBe(2);
    expect(rowCount(cluster)).toBe(0);
    for (const dataId of dataIds) expect(await shardsOf(cluster, dataId)).toEqual([]);
    expect((await cluster.read("kept")).equals(patternBytes(300 * KIB, 3))).toBe(true);
  });

  test("waits for every read that began before it was seen, however long that takes", async () => {
    const cluster = await createTestCluster({ geometry: { k: 2, m: 1 } });
    const bytes = patternBytes(5 * MIB, 2);
    const written = await cluster.write("a", bytes);
    const watch = new GarbageWatch({ clock: cluster.clock, reads: cluster.bodies.reads }, { graceMs });
    await cluster.put("b", bytes);
    let go: () => void = () => {};
    const gate = new Promise<void>((resolve) => (go = resolve));
    const slices: Buffer[] = [];
    const sink = {
      write: async (slice: Buffer): Promise<void> => {
        slices.push(Buffer.from(slice));
        await gate;
      },
    };
    const reading = cluster.bodies.read([written], { offsetBytes: 0, lengthBytes: bytes.byteLength }, sink, never);
    await cluster.remove("b");
    await cluster.run(collectGarbage(cluster.parts, watch));
    cluster.clock.advance(10 * graceMs);
    expect(await cluster.run(collectGarbage(cluster.parts, watch))).toBe(0);
    go();
    await cluster.run(reading);
    expect(Buffer.concat(slices).equals(bytes)).toBe(true);
    expect(await cluster.run(collectGarbage(cluster.parts, watch))).toBe(1);
  });

  test("is deleted on substitutes too, though its repair row went with the record", async () => {
    const cluster = await createTestCluster({ geometry: { k: 2, m: 1 }, driveCount: 4 });
    cluster.drives[0]!.isAway = true;
    const dataIds: Awaited<ReturnType<TestCluster["put"]>>[] = [];
    for (let i = 0; i < 6; i++) dataIds.push(await cluster.put(`k${i}`, patternBytes(300 * KIB, i)));
    cluster.drives[0]!.isAway = false;
    for (let i = 0; i < 6; i++) await cluster.remove(`k${i}`);
    const watch = new GarbageWatch({ clock: cluster.clock, reads: cluster.bodies.reads }, { graceMs: 0 });
    expect(await cluster.run(collectGarbage(cluster.parts, watch))).toBe(6);
    for (const dataId of dataIds) expect(await shardsOf(cluster, dataId)).toEqual([]);
  });

  test("of a drive that is away is an orphan when it comes back", async () => {
    const { cluster, collect, dataIds } = await dropped();
    cluster.drives[1]!.isAway = true;
    await collect();
    cluster.clock.advance(graceMs);
    expect(await collect()).toBe(2);
    cluster.drives[1]!.isAway = false;
    const left = (await Promise.all(dataIds.map((dataId) => shardsOf(cluster, dataId)))).flat();
    expect(left.length).toBeGreaterThan(0);
    const { orphansRemoved } = await cluster.run(takeCensus(cluster.parts, { covers: () => true }));
    expect(orphansRemoved).toBe(left.length);
    for (const dataId of dataIds) expect(await shardsOf(cluster, dataId)).toEqual([]);
  });

  test("keeps its row when a drive fails to forget it, so that it is tried again", async () => {
    const { cluster, collect } = await dropped();
    await collect();
    cluster.clock.advance(graceMs);
    const { remove } = cluster.drives[2]!;
    cluster.drives[2]!.remove = () => Promise.reject(Object.assign(new Error("bug"), { name: "AssertionFailure" }));
    await expect(collect()).rejects.toThrow("bug");
    expect(rowCount(cluster)).toBe(2);
    cluster.drives[2]!.remove = remove;
    expect(await collect()).toBe(2);
  });
});

describe("the garbage watch", () => {
  test("asks for both conditions of each row by itself, and forgets rows that vanished", () => {
    const clock = createManualClock();
    let passedUpTo = 0;
    let marks = 0;
    const watch = new GarbageWatch(
      { clock, reads: { set: () => ++marks, isPassed: (mark) => mark <= passedUpTo } },
      { graceMs: 100 },
    );
    expect(watch.ripe(["a"])).toEqual([]);
    clock.advance(100);
    expect(watch.ripe(["a", "b"])).toEqual([]);
    passedUpTo = 1;
    expect(watch.ripe(["a", "b"])).toEqual(["a"]);
    clock.advance(100);
    expect(watch.ripe(["b"])).toEqual([]);
    passedUpTo = 2;
    expect(watch.ripe(["b"])).toEqual(["b"]);
    expect(watch.ripe(["a"])).toEqual([]);
  });
});
