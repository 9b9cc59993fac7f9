import { createSeededRandom, MIB } from "@kakera/kernel";
import { describe, expect, it } from "vitest";
import type { SegmentPlace } from "../src/index/index-values.ts";
import { RecentPlaces } from "../src/read/recent-places.ts";
import { formattedDisk, makeShard, openTestDrive, readVerified, refOf } from "./drive-kit.ts";

const window = { offsetBytes: 0, lengthBytes: 65_536 };

describe("readNow()", () => {
  it("gives a small shard that was written or read lately, without waiting", async () => {
    const disk = await formattedDisk();
    const drive = await openTestDrive(disk);
    const shard = makeShard({ sizeBytes: 4000 });
    await drive.put(shard);
    const into = Buffer.alloc(65_536);
    const found = drive.readNow!(refOf(shard), window, into);
    expect(found).toMatchObject({ lengthBytes: 4000, shardSizeBytes: 4000 });
    expect(into.subarray(0, 4000).equals(shard.payload)).toBe(true);
    expect(found!.blockChecksums.equals(shard.blockChecksums)).toBe(true);
  });

  it("does not know what this process neither wrote nor read", async () => {
    const disk = await formattedDisk();
    const first = await openTestDrive(disk);
    const [shard, neighbour] = [makeShard(), makeShard()];
    await Promise.all([first.put(shard), first.put(neighbour)]);
    await first.close();
    const drive = await openTestDrive(disk);
    expect(drive.readNow!(refOf(shard), window, Buffer.alloc(65_536))).toBeUndefined();
    // Its segment's file is open now, and still nobody knows where its bytes are.
    await readVerified(drive, refOf(neighbour));
    expect(drive.readNow!(refOf(shard), window, Buffer.alloc(65_536))).toBeUndefined();
    await readVerified(drive, refOf(shard));
    expect(drive.readNow!(refOf(shard), window, Buffer.alloc(65_536))).toMatchObject({ lengthBytes: 4096 });
  });

  it("says that a shard is not here", async () => {
    const drive = await openTestDrive(await formattedDisk());
    const shard = makeShard();
    expect(drive.readNow!(refOf(shard), window, Buffer.alloc(9))).toBeNull();
    await drive.put(shard);
    await drive.remove([refOf(shard)]);
    expect(drive.readNow!(refOf(shard), window, Buffer.alloc(65_536))).toBeNull();
  });

  it("gives part of a large shard once read() has proven its head and tail", async () => {
    const drive = await openTestDrive(await formattedDisk());
    const shard = makeShard({ sizeBytes: 500_000 });
    await drive.put(shard);
    const second = { offsetBytes: 65_536, lengthBytes: 65_536 };
    const into = Buffer.alloc(65_536);
    expect(drive.readNow!(refOf(shard), second, into)).toBeUndefined();
    await readVerified(drive, refOf(shard), MIB);
    const found = drive.readNow!(refOf(shard), second, into);
    expect(found).toMatchObject({ lengthBytes: 65_536, shardSizeBytes: 500_000 });
    expect(into.equals(shard.payload.subarray(65_536, 131_072))).toBe(true);
    expect(found!.blockChecksums.equals(shard.blockChecksums.subarray(8, 16))).toBe(true);
  });

  it("leaves own files to read()", async () => {
    const drive = await openTestDrive(await formattedDisk());
    const shard = makeShard({ sizeBytes: MIB });
    await drive.put(shard);
    await readVerified(drive, refOf(shard), MIB);
    expect(drive.readNow!(refOf(shard), window, Buffer.alloc(65_536))).toBeUndefined();
  });

  it("follows a record that compaction moved", async () => {
    const disk = await formattedDisk();
    const drive = await openTestDrive(disk, { settings: { compaction: "manual", segmentSizeBytes: 64 * 1024 } });
    const shards = Array.from({ length: 60 }, () => makeShard({ sizeBytes: 4000 }));
    for (const shard of shards) await drive.put(shard);
    await drive.remove(shards.slice(1).map(refOf));
    await drive.compact();
    await readVerified(drive, refOf(shards[0]!));
    const into = Buffer.alloc(65_536);
    expect(drive.readNow!(refOf(shards[0]!), window, into)).toMatchObject({ lengthBytes: 4000 });
    expect(into.subarray(0, 4000).equals(shards[0]!.payload)).toBe(true);
  });
});

describe("the places that were used last", () => {
  const place = (offset: number) => ({
    kind: "segment" as const,
    segmentId: 1,
    offset,
    sequence: 1,
    headBytes: 144,
    payloadBytes: 1000,
    chunkSizeBytes: 1,
    shardCount: 1,
  });

  it("are bounded in bytes and in number, the oldest going first", () => {
    const byBytes = new RecentPlaces({ bytesMax: 3000, countMax: 100 });
    for (let at = 0; at < 10; at++) byBytes.note(place(at));
    expect([7, 8, 9].map((at) => byBytes.has(place(at)))).toEqual([false, true, true]);
    const byCount = new RecentPlaces({ bytesMax: 1e9, countMax: 3 });
    for (const at of [1, 2, 3, 2, 4, 5]) byCount.note(place(at));
    expect([1, 2, 3, 4, 5].map((at) => byCount.has(place(at)))).toEqual([false, false, true, true, true]);
  });

  it("are none but those noted last, and nearly all of them", () => {
    const countMax = 500;
    const recent = new RecentPlaces({ bytesMax: 1e9, countMax });
    const random = createSeededRandom(7);
    const noted: SegmentPlace[] = [];
    for (let count = 0; count < 5000; count++) {
      const segmentId = 2 ** 20 * Math.floor(random.fraction() * 4) + Math.floor(random.fraction() * 8);
      const one = { ...place(8 * (count + 1)), segmentId };
      noted.push(one);
      recent.note(one);
    }
    expect(noted.slice(0, -countMax).filter((one) => recent.has(one))).toEqual([]);
    expect(noted.slice(-countMax).filter((one) => recent.has(one)).length).toBeGreaterThan(0.9 * countMax);
    expect(recent.has(noted.at(-1)!)).toBe(true);
  });
});
