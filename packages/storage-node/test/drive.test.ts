import { describe, expect, it } from "vitest";
import { describeDriveContract } from "./drive-contract.ts";
import { formattedDisk, makeShard, openTestDrive, readVerified, refOf } from "./drive-kit.ts";

describeDriveContract("a drive in this process", async () => {
  const drive = await openTestDrive(await formattedDisk());
  return {
    drive,
    driveId: drive.driveId,
    refresh: async () => {},
    end: () => drive.close(),
  };
});

describe("a drive", () => {
  it("keeps what repair writes again after a removal over a restart", async () => {
    const disk = await formattedDisk();
    const drive = await openTestDrive(disk);
    const shard = makeShard();
    await drive.put(shard);
    await drive.remove([refOf(shard)]);
    await drive.put(shard);
    await drive.close();
    const again = await openTestDrive(disk);
    expect(await readVerified(again, refOf(shard))).toEqual(shard.payload);
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
