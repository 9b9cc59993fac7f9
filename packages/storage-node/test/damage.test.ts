import { createMemoryDisk } from "@kakera/disk";
import { ClusterFailure, type Counter, type Disk, type Meter, silentMeter } from "@kakera/kernel";
import type { ShardWrite } from "@kakera/rpc";
import { describe, expect, it } from "vitest";
import { containerSeed } from "../src/record/container-seed.ts";
import { segmentFolder } from "../src/segment/segment-header.ts";
import { cutOff, diskOf, flipBits, sampleDrive, type Sample } from "./damage-kit.ts";
import { format, makeShard, openTestDrive, readVerified, refOf } from "./drive-kit.ts";

describe.each(["closed", "killed"] as const)("a segment of a drive that was %s", (ending) => {
  it("never gives wrong bytes, whichever bit is flipped, and loses but one record by it", async () => {
    await flipBits(await sampleDrive(ending), 61);
  });

  it("never gives wrong bytes, wherever it is cut off, and keeps what lies before the cut", async () => {
    await cutOff(await sampleDrive(ending), 197);
  });
});

describe("a damaged record", () => {
  it("is refused with BITROT_FOUND, counted, and left out of the inventory, so that repair writes it again", async () => {
    const sample = await sampleDrive("closed");
    const disk = await diskOf(sample.image);
    let bitrotCount = 0;
    const meter: Meter = {
      ...silentMeter,
      counter: (spec): Counter => ({
        add: (amount = 1) => void (spec.name === "kakera_drive_bitrot_found_total" && (bitrotCount += amount)),
      }),
    };
    const drive = await openTestDrive(disk, { components: { meter } });
    await damageHead(disk, sample, sample.shards[1]!);
    const failure = await readVerified(drive, refOf(sample.shards[1]!)).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ClusterFailure);
    expect(failure).toMatchObject({ kind: "repair", reason: "BITROT_FOUND" });
    expect(bitrotCount).toBe(1);
    const listed = await drive.inventory({ group: null, after: null, limit: 100 });
    expect(listed.map((one) => one.identity.dataId)).not.toContain(sample.shards[1]!.identity.dataId);
    expect(listed).toHaveLength(3);
    await drive.put(sample.shards[1]!);
    expect(await readVerified(drive, refOf(sample.shards[1]!))).toEqual(sample.shards[1]!.payload);
  });

  it.each([4000, 200_000])(
    "of %i bytes that was swapped for another one of the drive is not served for it",
    async (sizeBytes) => {
      const disk = createMemoryDisk();
      await format(disk);
      const drive = await openTestDrive(disk);
      const [a, b] = [makeShard({ sizeBytes, ownerKey: "same" }), makeShard({ sizeBytes, ownerKey: "same" })];
      await Promise.all([drive.put(a), drive.put(b)]);
      const path = `${segmentFolder}/${(await disk.list(segmentFolder))[0]!}`;
      const file = await disk.open(path, { access: "write" });
      const recordBytes = 136 + 8 + sizeBytes + Math.ceil(sizeBytes / 65_536) * 8 + 24 + 8;
      const first = Buffer.alloc(recordBytes);
      await file.read(first, 4096 + 64);
      expect(first.readUInt32LE(0)).toBe(0x4852_4b4b);
      await file.write(first, 4096 + 64 + recordBytes);
      expect(await readVerified(drive, refOf(a))).toEqual(a.payload);
      await expect(readVerified(drive, refOf(b))).rejects.toMatchObject({ kind: "repair" });
      await expect(drive.describe(refOf(b))).rejects.toMatchObject({ kind: "repair" });
    },
  );

  it("of an earlier life of the file is nothing", async () => {
    // What a recycled block holds: a whole batch, right in itself, of another segment.
    const sample = await sampleDrive("killed");
    const bytes = sample.image.get(sample.path)!;
    const [name, other] = [sample.path, sample.path.replace(/1\.segment$/, "2.segment")];
    const drive = await openTestDrive(await diskOf(new Map(sample.image).set(other, bytes)));
    expect(drive.status().shardCount).toBe(sample.shards.length);
    expect(containerSeed(sample.driveId, { kind: "segment", segmentId: 1 })).not.toBe(
      containerSeed(sample.driveId, { kind: "segment", segmentId: 2 }),
    );
    expect(other).not.toBe(name);
  });
});

async function damageHead(disk: Disk, sample: Sample, shard: ShardWrite): Promise<void> {
  const at = sample.image.get(sample.path)!.indexOf(Buffer.from(shard.identity.dataId, "hex"));
  const file = await disk.open(sample.path, { access: "write" });
  await file.write(Buffer.of(0xff), at + 1);
  await file.close();
}
