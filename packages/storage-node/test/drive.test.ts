import { describe, expect, it } from "vitest";
import { formattedDisk, makeShard, openTestDrive, readVerified, refOf } from "./drive-kit.ts";

describe("a drive", () => {
  it("gives back what was put, with its checksums", async () => {
    const drive = await openTestDrive(await formattedDisk());
    const shard = makeShard({ sizeBytes: 200_000 });
    expect(await drive.put(shard)).toEqual({ driveId: drive.driveId, epoch: 3 });
    expect(await readVerified(drive, refOf(shard))).toEqual(shard.payload);
  });

  it("answers null for a shard that it does not have", async () => {
    const drive = await openTestDrive(await formattedDisk());
    expect(await readVerified(drive, refOf(makeShard()))).toBeNull();
    expect(await drive.describe(refOf(makeShard()))).toBeNull();
  });

  it("describes a shard by its own header", async () => {
    const drive = await openTestDrive(await formattedDisk());
    const shard = makeShard({ sizeBytes: 70_000, ownerKey: "a key with ü", writeNumber: 99 });
    await drive.put(shard);
    expect(await drive.describe(refOf(shard))).toEqual({
      identity: { ...shard.identity, ownerKey: Buffer.from(shard.identity.ownerKey) },
      chunkSizeBytes: 140_000,
      shardSizeBytes: 70_000,
      shardDigests: shard.shardDigests,
    });
  });

  it("cuts a window at the end of the shard", async () => {
    const drive = await openTestDrive(await formattedDisk());
    const shard = makeShard({ sizeBytes: 150_000 });
    await drive.put(shard);
    const into = Buffer.alloc(100_000);
    const window = await drive.read(refOf(shard), { offsetBytes: 131_072, lengthBytes: 65_536 }, into);
    expect(window).toMatchObject({ lengthBytes: 18_928, shardSizeBytes: 150_000, chunkSizeBytes: 300_000 });
    expect(window!.blockChecksums).toEqual(Buffer.from(shard.blockChecksums).subarray(16, 24));
    expect(into.subarray(0, 18_928)).toEqual(Buffer.from(shard.payload).subarray(131_072));
  });

  it("forgets what was removed, and passes over what it does not have", async () => {
    const drive = await openTestDrive(await formattedDisk());
    const [gone, kept] = [makeShard(), makeShard()];
    await Promise.all([drive.put(gone), drive.put(kept)]);
    await drive.remove([refOf(gone), refOf(makeShard())]);
    expect(await readVerified(drive, refOf(gone))).toBeNull();
    expect(await readVerified(drive, refOf(kept))).toEqual(kept.payload);
    expect(drive.status().shardCount).toBe(1);
  });

  it("keeps what repair writes again after a removal", async () => {
    const disk = await formattedDisk();
    const drive = await openTestDrive(disk);
    const shard = makeShard();
    await drive.put(shard);
    await drive.remove([refOf(shard)]);
    await drive.put(shard);
    expect(await readVerified(drive, refOf(shard))).toEqual(shard.payload);
    await drive.close();
    const again = await openTestDrive(disk);
    expect(await readVerified(again, refOf(shard))).toEqual(shard.payload);
  });

  it("lists the shards of a group in key order, page by page", async () => {
    const drive = await openTestDrive(await formattedDisk());
    const shards = Array.from({ length: 25 }, (_, at) => makeShard({ group: at % 2 }));
    await Promise.all(shards.map((shard) => drive.put(shard)));
    const found: string[] = [];
    let after = null;
    for (;;) {
      const page = await drive.inventory({ group: 1, after, limit: 5 });
      found.push(...page.map((one) => one.identity.dataId));
      after = page.at(-1)?.identity ?? null;
      if (page.length < 5) break;
    }
    const wanted = shards.filter((shard) => shard.identity.group === 1).map((shard) => shard.identity.dataId);
    expect(found).toEqual(wanted.sort());
    expect(await drive.inventory({ group: null, after: null, limit: 100 })).toHaveLength(25);
  });

  it.each(["closed", "killed"])("has all that it acknowledged after it was %s", async (how) => {
    const disk = await formattedDisk();
    const drive = await openTestDrive(disk);
    const shards = Array.from({ length: 100 }, (_, at) => makeShard({ sizeBytes: 1 + at * 137 }));
    await Promise.all(shards.map((shard) => drive.put(shard)));
    await drive.remove(shards.slice(0, 10).map(refOf));
    if (how === "closed") await drive.close();
    const again = await openTestDrive(disk);
    for (const [at, shard] of shards.entries()) {
      expect(await readVerified(again, refOf(shard))).toEqual(at < 10 ? null : shard.payload);
    }
    expect(again.status().shardCount).toBe(90);
  });
});
