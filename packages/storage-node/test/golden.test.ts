import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type BucketId, type ClusterId, type DataId, type Disk, type DriveId, type SessionId } from "@kakera/kernel";
import { createMemoryDisk } from "@kakera/disk";
import { shardDigest } from "@kakera/erasure";
import type { ShardWrite } from "@kakera/rpc";
import { describe, expect, it } from "vitest";
import { formatDrive } from "../src/index.ts";
import { segmentPath } from "../src/segment/segment-header.ts";
import { checksumsOf, openTestDrive, readVerified, refOf } from "./drive-kit.ts";

/** Fixed in every byte, so that what is written can be compared with what an older version wrote. */
function fixedShard(serial: number, sizeBytes: number): ShardWrite {
  const ref = { group: 3 + serial, dataId: hex(serial, 32) as DataId, chunkIndex: serial, shardIndex: 1 };
  const payload = Buffer.alloc(sizeBytes, serial);
  const blockChecksums = checksumsOf(ref, payload);
  const digest = shardDigest(blockChecksums);
  return {
    identity: {
      ...ref,
      pool: 2,
      epoch: 9,
      k: 2,
      m: 1,
      session: hex(0xabc, 32) as SessionId,
      writeNumber: 1000 + serial,
      ownerBucketId: hex(0xb0, 16) as BucketId,
      ownerKey: Buffer.from(`golden/ключ-${serial}`),
    },
    chunkSizeBytes: sizeBytes * 2,
    payload,
    blockChecksums,
    shardDigests: Buffer.concat([digest, digest, digest]),
  };
}

const shards = [fixedShard(1, 700), fixedShard(2, 70_000), fixedShard(3, 0)];
const ownShard = fixedShard(4, 100_000);
const files = {
  segment: segmentPath(2 ** 21 + 1),
  ownFile: "shards/00/00000000000000000000000000000004-00000004-01-00000007-00000000000005",
  identity: ".kakera/identity",
};

async function writeGoldenDrive(): Promise<Disk> {
  const disk = createMemoryDisk();
  await formatDrive(disk, {
    clusterId: hex(0xc1, 32) as ClusterId,
    driveId: hex(0xd1, 32) as DriveId,
    deviceRelation: "own-device",
  });
  const drive = await openTestDrive(disk, { settings: { compaction: "manual" } });
  for (const shard of shards) await drive.put(shard);
  await drive.remove([refOf(shards[0]!)]);
  const stream = await drive.begin(ownShard.identity);
  await stream.append(ownShard.payload, ownShard.blockChecksums);
  await stream.finish(ownShard);
  await drive.sealGroup(5, 12);
  await drive.writeWitness({ term: 4, sequence: 5, checksum: Buffer.from("witness!") });
  await drive.close();
  return disk;
}

describe("the format of a drive", () => {
  it.each(Object.entries(files))("writes %s as it always did", async (name, path) => {
    const disk = await writeGoldenDrive();
    const file = await disk.open(path, { access: "read" });
    const bytes = Buffer.alloc(await file.sizeBytes());
    await file.read(bytes, 0);
    // Updated on purpose only, with a new version in the format: KAKERA_GOLDEN=write.
    if (process.env["KAKERA_GOLDEN"] === "write") writeFileSync(goldenPath(name), compact(bytes));
    expect(compact(bytes)).toBe(readFileSync(goldenPath(name), "utf8"));
  });

  it("is read back from the bytes that version 1 wrote", async () => {
    const disk = createMemoryDisk();
    for (const folder of [".kakera", "segments", "shards", "shards/00", "tmp"]) await disk.makeDirectory(folder);
    for (const [name, path] of Object.entries(files)) {
      const file = await disk.open(path, { access: "create" });
      await file.write(expand(readFileSync(goldenPath(name), "utf8")), 0);
      await file.close();
    }
    const drive = await openTestDrive(disk);
    expect(await readVerified(drive, refOf(shards[0]!))).toBeNull();
    for (const shard of [shards[1]!, shards[2]!, ownShard]) {
      expect(await readVerified(drive, refOf(shard))).toEqual(shard.payload);
      expect((await drive.describe(refOf(shard)))?.identity).toMatchObject({
        writeNumber: shard.identity.writeNumber,
        epoch: 9,
      });
    }
    expect(await drive.sealedEpoch(5)).toBe(12);
    expect(drive.identity).toMatchObject({ incarnation: 2, witness: { term: 4, sequence: 5 } });
  });
});

/** Hex lines of 32 bytes; runs of one line are written once, with their count. */
function compact(bytes: Buffer): string {
  const lines: { text: string; count: number }[] = [];
  for (let at = 0; at < bytes.byteLength; at += 32) {
    const text = bytes.subarray(at, at + 32).toString("hex");
    const last = lines.at(-1);
    if (last?.text === text) last.count += 1;
    else lines.push({ text, count: 1 });
  }
  return lines.map(({ text, count }) => `${count} ${text}\n`).join("");
}

function expand(text: string): Buffer {
  const lines = text
    .trimEnd()
    .split("\n")
    .map((line) => line.split(" "));
  return Buffer.concat(
    lines.flatMap(([count, hexText]) => Array.from({ length: Number(count) }, () => Buffer.from(hexText!, "hex"))),
  );
}

function goldenPath(name: string): string {
  return join(import.meta.dirname, "golden", `${name}.hex`);
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}
