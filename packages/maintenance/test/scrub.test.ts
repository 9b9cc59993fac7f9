import { describe, expect, test } from "vitest";
import { DAY_MS, KIB, MIB } from "@kakera/kernel";
import { createMemoryPositions } from "../src/ports/scrub-positions.ts";
import { repairOnce } from "../src/repair/run-repairs.ts";
import { scrubDrive } from "../src/scrub/scrub-drive.ts";
import { createTestCluster, damage, patternBytes, shardsOf, type TestCluster } from "./kit/test-cluster.ts";

const never = new AbortController().signal;
const rule = { intervalMs: 7 * DAY_MS, bytesPerSecondMin: 1 * MIB, bytesPerSecondMax: 1 * MIB };

async function filled(): Promise<TestCluster> {
  const cluster = await createTestCluster({ geometry: { k: 2, m: 1 } });
  for (let i = 0; i < 5; i++) await cluster.put(`k${i}`, patternBytes([300 * KIB, 20 * KIB, 5 * MIB][i % 3]!, i));
  return cluster;
}

describe("the scrub", () => {
  test("finds damage that nobody has read, and repair replaces it", async () => {
    const cluster = await filled();
    const dataId = await cluster.put("bad", patternBytes(300 * KIB, 77));
    const [bad] = await shardsOf(cluster, dataId);
    await damage(cluster, bad!);
    for (const { driveId } of cluster.drives) await cluster.run(scrubDrive(cluster.parts, driveId, rule, never), 1_000);
    const item = cluster.parts.backlog.next()!;
    expect([item.dataId, [...item.damaged.keys()]]).toEqual([dataId, [bad!.ref.shardIndex]]);
    expect(cluster.parts.backlog.waitingCount).toBe(1);
    expect(await cluster.run(repairOnce(cluster.parts, item))).toBe("whole");
    const before = cluster.parts.backlog.waitingCount;
    const positions = createMemoryPositions();
    for (const { driveId } of cluster.drives)
      await cluster.run(scrubDrive({ ...cluster.parts, positions }, driveId, rule, never), 1_000);
    expect(cluster.parts.backlog.waitingCount).toBe(before);
  });

  test("keeps its pace, and rests until the interval is over", async () => {
    const cluster = await filled();
    const { driveId } = cluster.drives[0]!;
    const startMs = cluster.clock.monotonicMs();
    const endedMs = await cluster.run(scrubDrive(cluster.parts, driveId, rule, never), 100);
    const readBytes = cluster.counters.get("kakera_scrub_bytes_total")!;
    expect(readBytes).toBeGreaterThan(MIB);
    const tookMs = cluster.clock.monotonicMs() - startMs;
    expect(tookMs).toBeGreaterThan((readBytes / MIB - 2) * 1_000);
    expect(await cluster.run(scrubDrive(cluster.parts, driveId, rule, never))).toBe(endedMs);
    expect(cluster.counters.get("kakera_scrub_bytes_total")).toBe(readBytes);
    cluster.clock.advance(rule.intervalMs);
    await cluster.run(scrubDrive(cluster.parts, driveId, rule, never), 100);
    expect(cluster.counters.get("kakera_scrub_bytes_total")).toBe(2 * readBytes);
  });

  test("goes on where it was stopped", async () => {
    const cluster = await createTestCluster({ geometry: { k: 1, m: 1 } });
    for (let i = 0; i < 150; i++) await cluster.put(`k${i}`, patternBytes(2 * KIB, i));
    const { driveId } = cluster.drives[0]!;
    const fast = { ...rule, bytesPerSecondMin: 1024 * MIB, bytesPerSecondMax: 1024 * MIB };
    const { inventory } = cluster.drives[0]!;
    let pages = 0;
    cluster.drives[0]!.inventory = async (page) => {
      if (++pages === 2) cluster.drives[0]!.isAway = true;
      return inventory(page);
    };
    await expect(cluster.run(scrubDrive(cluster.parts, driveId, fast, never))).rejects.toMatchObject({ kind: "retry" });
    cluster.drives[0]!.isAway = false;
    expect(cluster.counters.get("kakera_scrub_bytes_total")).toBe(64 * 2 * KIB);
    await cluster.run(scrubDrive(cluster.parts, driveId, fast, never));
    expect(cluster.counters.get("kakera_scrub_bytes_total")).toBe(150 * 2 * KIB);
  });
});
