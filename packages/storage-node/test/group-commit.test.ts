import { setImmediate as nextTurn } from "node:timers/promises";
import { createMemoryDisk, faultyDisk, type DiskCall } from "@kakera/disk";
import { ClusterFailure, type Disk, type Histogram, type Meter, silentMeter } from "@kakera/kernel";
import { describe, expect, it } from "vitest";
import { format, makeShard, openTestDrive, readVerified, refOf } from "./drive-kit.ts";

/** A disk whose writes to segments are seen, and can be held back. */
async function watchedDisk(): Promise<{ disk: Disk; writes: DiskCall[]; hold: () => void; release: () => void }> {
  const inner = createMemoryDisk();
  await format(inner);
  const writes: DiskCall[] = [];
  let held: Promise<void> | null = null;
  let release = (): void => {};
  const disk = faultyDisk(inner, (call) => {
    if (call.operation !== "write" || !call.path.startsWith("segments/")) return null;
    writes.push(call);
    return held === null ? null : { kind: "hang", until: held };
  });
  return {
    disk,
    writes,
    hold: () => void (held = new Promise((resolve) => (release = resolve))),
    release: () => {
      held = null;
      release();
    },
  };
}

describe("group commit", () => {
  it("lets ten thousand appends share a few syncs", async () => {
    const { disk, writes } = await watchedDisk();
    const perSync: number[] = [];
    const meter: Meter = {
      ...silentMeter,
      histogram: (spec): Histogram => ({
        observe: (value) => void (spec.name === "kakera_drive_records_per_sync" && perSync.push(value)),
      }),
    };
    const drive = await openTestDrive(disk, { settings: { segmentSizeBytes: 64 << 20 }, components: { meter } });
    writes.length = 0;
    const shards = Array.from({ length: 10_000 }, () => makeShard({ sizeBytes: 64 }));
    await Promise.all(shards.map((shard) => drive.put(shard)));
    expect(perSync.reduce((sum, count) => sum + count)).toBe(10_000);
    expect(writes.length).toBeLessThan(20);
    expect(Math.max(...perSync)).toBeGreaterThan(1000);
  });

  it("gives no receipt before a write that began with the record in it has ended", async () => {
    const { disk, writes, hold, release } = await watchedDisk();
    const drive = await openTestDrive(disk);
    await drive.put(makeShard());
    hold();
    const [first, second] = [makeShard({ sizeBytes: 100 }), makeShard({ sizeBytes: 100 })];
    const done: string[] = [];
    const puts = [drive.put(first).then(() => done.push("first"))];
    const before = writes.length;
    await until(() => writes.length > before);
    // The write is out: what comes now must wait for the next one.
    puts.push(drive.put(second).then(() => done.push("second")));
    expect(done).toEqual([]);
    expect(await readVerified(drive, refOf(first))).toBeNull();
    release();
    await puts[0];
    expect(done).toEqual(["first"]);
    await Promise.all(puts);
    expect(writes.length).toBe(before + 2);
  });

  it("begins each batch on a fresh block and never writes a block twice", async () => {
    const { disk, writes } = await watchedDisk();
    const drive = await openTestDrive(disk, { settings: { compaction: "manual" } });
    for (let round = 0; round < 40; round++) {
      await Promise.all(
        Array.from({ length: 1 + (round % 5) }, (_, at) => drive.put(makeShard({ sizeBytes: 1 + at * 3000 }))),
      );
    }
    await drive.close();
    const seen = new Set<string>();
    for (const { path, positionBytes, lengthBytes } of writes) {
      expect(positionBytes % 4096).toBe(0);
      expect(lengthBytes % 4096).toBe(0);
      for (let at = positionBytes; at < positionBytes + lengthBytes; at += 4096) {
        expect(seen.has(`${path}:${at}`)).toBe(false);
        seen.add(`${path}:${at}`);
      }
    }
    expect(new Set(writes.map((call) => call.path)).size).toBeGreaterThan(1);
  });

  it("writes no batch into a segment of which the name is not durable", async () => {
    const inner = createMemoryDisk();
    await format(inner);
    const calls: string[] = [];
    const disk = faultyDisk(inner, (call) => {
      if (["write", "syncDirectory"].includes(call.operation))
        calls.push(`${call.operation} ${call.path.split("/")[0]}`);
      return null;
    });
    const drive = await openTestDrive(disk);
    calls.length = 0;
    await drive.put(makeShard());
    expect(calls).toEqual(["write segments", "syncDirectory segments", "write segments"]);
  });

  it("bounds a batch in records", async () => {
    const { disk, writes } = await watchedDisk();
    const drive = await openTestDrive(disk, { settings: { syncRecordsMax: 7 } });
    writes.length = 0;
    await Promise.all(Array.from({ length: 21 }, () => drive.put(makeShard({ sizeBytes: 10 }))));
    // The new segment's header, and three batches.
    expect(writes.length).toBe(4);
  });

  it("bounds a batch in bytes", async () => {
    const { disk, writes } = await watchedDisk();
    const drive = await openTestDrive(disk, { settings: { syncBytesMax: 100_000 } });
    await Promise.all(Array.from({ length: 30 }, () => drive.put(makeShard({ sizeBytes: 30_000 }))));
    expect(Math.max(...writes.map((call) => call.lengthBytes))).toBeLessThanOrEqual(104_000);
  });

  it("refuses to queue more than its bounds, and says that it may be tried again", async () => {
    const { disk, hold, release } = await watchedDisk();
    const drive = await openTestDrive(disk, { settings: { queuedRecordsMax: 10 } });
    await drive.put(makeShard());
    hold();
    const puts = Array.from({ length: 30 }, () => drive.put(makeShard()));
    const outcomes = Promise.allSettled(puts);
    release();
    const refused = (await outcomes).filter((outcome) => outcome.status === "rejected");
    expect(refused.length).toBe(20);
    for (const { reason } of refused) expect(reason).toMatchObject({ kind: "retry" } satisfies Partial<ClusterFailure>);
    expect(drive.status().shardCount).toBe(11);
  });

  it("lets a removal kill a put that waits in the same batch", async () => {
    const { disk, hold, release } = await watchedDisk();
    const drive = await openTestDrive(disk);
    await drive.put(makeShard());
    hold();
    const shard = makeShard();
    const calls = [drive.put(makeShard()), drive.put(shard), drive.remove([refOf(shard)])];
    release();
    await Promise.all(calls);
    expect(await readVerified(drive, refOf(shard))).toBeNull();
  });
});

async function until(isSo: () => boolean): Promise<void> {
  for (let turn = 0; turn < 1000 && !isSo(); turn++) await nextTurn();
  expect(isSo()).toBe(true);
}
