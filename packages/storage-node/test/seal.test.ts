import { describe, expect, it } from "vitest";
import { formattedDisk, makeShard, openTestDrive, readVerified, refOf } from "./drive-kit.ts";

describe("a group that is sealed at an epoch", () => {
  it("takes no write of an older epoch, in a segment or in a file, and every write of this one or a newer one", async () => {
    const drive = await openTestDrive(await formattedDisk());
    await drive.sealGroup(7, 4);
    await expect(drive.put(makeShard({ group: 7, epoch: 3 }))).rejects.toMatchObject({ kind: "retry" });
    await expect(drive.begin(makeShard({ group: 7, epoch: 3 }).identity)).rejects.toMatchObject({ kind: "retry" });
    for (const input of [
      { group: 7, epoch: 4 },
      { group: 7, epoch: 5 },
      { group: 8, epoch: 1 },
    ])
      await drive.put(makeShard(input));
    expect(drive.status().shardCount).toBe(3);
  });

  it("takes no shard in pieces whose last one comes after the seal", async () => {
    const drive = await openTestDrive(await formattedDisk());
    const shard = makeShard({ group: 7, epoch: 3, sizeBytes: 100_000 });
    const stream = await drive.begin(shard.identity);
    await stream.append(shard.payload, shard.blockChecksums);
    await drive.sealGroup(7, 4);
    await expect(stream.finish(shard)).rejects.toMatchObject({ kind: "retry" });
    expect(await drive.inventory({ group: 7, after: null, limit: 10 })).toEqual([]);
  });

  it("is sealed only when shards that are just being finished are there to be listed", async () => {
    const gate = Promise.withResolvers<void>();
    let isRenaming = false;
    const disk = await formattedDisk();
    const drive = await openTestDrive(disk);
    const rename = disk.rename.bind(disk);
    disk.rename = async (from, to) => {
      isRenaming = true;
      await gate.promise;
      await rename(from, to);
    };
    const shard = makeShard({ group: 7, epoch: 3, sizeBytes: 100_000 });
    const stream = await drive.begin(shard.identity);
    await stream.append(shard.payload, shard.blockChecksums);
    const finished = stream.finish(shard);
    while (!isRenaming) await new Promise((resolve) => setImmediate(resolve));
    let isSealed = false;
    const sealed = [drive.sealGroup(7, 4), drive.sealGroup(7, 4)].map((seal) => seal.then(() => (isSealed = true)));
    while ((await drive.sealedEpoch(7)) !== 4) await new Promise((resolve) => setImmediate(resolve));
    await drive.put(makeShard({ group: 8 }));
    expect(isSealed).toBe(false);
    gate.resolve();
    await Promise.all([finished, ...sealed]);
    expect(await drive.inventory({ group: 7, after: null, limit: 10 })).toHaveLength(1);
  });

  it("takes no older write from the moment that the seal is asked for: it might become durable after it", async () => {
    const drive = await openTestDrive(await formattedDisk());
    const sealed = drive.sealGroup(7, 4);
    const late = drive.put(makeShard({ group: 7, epoch: 3 }));
    await expect(late).rejects.toMatchObject({ kind: "retry" });
    await drive.put(makeShard({ group: 7, epoch: 4 }));
    await sealed;
  });

  it("is read whatever the epoch of its shards", async () => {
    const drive = await openTestDrive(await formattedDisk());
    const shard = makeShard({ group: 7, epoch: 3 });
    await drive.put(shard);
    await drive.sealGroup(7, 9);
    expect(await readVerified(drive, refOf(shard))).toEqual(shard.payload);
  });

  it("stays sealed over restarts and compactions, and is never unsealed", async () => {
    const disk = await formattedDisk();
    let drive = await openTestDrive(disk, { settings: { segmentSizeBytes: 32_768, compaction: "manual" } });
    await drive.sealGroup(7, 4);
    await drive.sealGroup(7, 6);
    await drive.sealGroup(7, 5);
    expect(await drive.sealedEpoch(7)).toBe(6);
    expect(await drive.sealedEpoch(8)).toBeNull();
    const shards = Array.from({ length: 40 }, () => makeShard({ sizeBytes: 4000 }));
    for (const shard of shards) await drive.put({ ...shard, identity: { ...shard.identity, epoch: 6 } });
    await drive.remove(shards.map(refOf));
    await drive.compact();
    for (let round = 0; round < 2; round++) {
      if (round === 0) await drive.close();
      drive = await openTestDrive(disk, { settings: { segmentSizeBytes: 32_768, compaction: "manual" } });
      expect(await drive.sealedEpoch(7)).toBe(6);
      expect(drive.status().shardCount).toBe(0);
    }
  });

  it("is removed from by a move only at exactly its epoch (R4)", async () => {
    const drive = await openTestDrive(await formattedDisk());
    const shard = makeShard({ group: 7, epoch: 5 });
    await drive.put(shard);
    await expect(drive.removeAtEpoch([refOf(shard)], 5)).rejects.toMatchObject({ kind: "retry" });
    await drive.sealGroup(7, 5);
    for (const epoch of [4, 6])
      await expect(drive.removeAtEpoch([refOf(shard)], epoch)).rejects.toMatchObject({ kind: "retry" });
    expect(await readVerified(drive, refOf(shard))).toEqual(shard.payload);
    await drive.removeAtEpoch([refOf(shard)], 5);
    expect(await readVerified(drive, refOf(shard))).toBeNull();
  });

  it("is removed from by no move any more from the moment that a newer seal is asked for: it would go after it was listed", async () => {
    const drive = await openTestDrive(await formattedDisk());
    const shard = makeShard({ group: 7, epoch: 5 });
    await drive.put(shard);
    await drive.sealGroup(7, 5);
    const sealed = drive.sealGroup(7, 6);
    await expect(drive.removeAtEpoch([refOf(shard)], 5)).rejects.toMatchObject({ kind: "retry" });
    await sealed;
    expect(await readVerified(drive, refOf(shard))).toEqual(shard.payload);
  });
});
