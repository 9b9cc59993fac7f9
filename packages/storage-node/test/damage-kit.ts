import { createMemoryDisk } from "@kakera/disk";
import type { Disk, DriveId } from "@kakera/kernel";
import type { ShardWrite } from "@kakera/rpc";
import { expect } from "vitest";
import type { Drive } from "../src/index.ts";
import { segmentFolder } from "../src/segment/segment-header.ts";
import { format, makeShard, openTestDrive, readVerified, refOf } from "./drive-kit.ts";

/** A drive's files as bytes, to be damaged and opened again. */
export type Image = Map<string, Buffer>;

export async function imageOf(disk: Disk): Promise<Image> {
  const image: Image = new Map();
  for (const folder of [".kakera", segmentFolder]) {
    for (const name of await disk.list(folder)) {
      const file = await disk.open(`${folder}/${name}`, { access: "read" });
      const bytes = Buffer.alloc(await file.sizeBytes());
      await file.read(bytes, 0);
      image.set(`${folder}/${name}`, bytes);
    }
  }
  return image;
}

export async function diskOf(image: Image): Promise<Disk> {
  const disk = createMemoryDisk();
  for (const folder of [".kakera", segmentFolder, "shards", "tmp"]) await disk.makeDirectory(folder);
  for (const [path, bytes] of image) {
    const file = await disk.open(path, { access: "create" });
    await file.write(bytes, 0);
    await file.close();
  }
  return disk;
}

export interface Sample {
  readonly image: Image;
  readonly path: string;
  readonly shards: readonly ShardWrite[];
  readonly driveId: DriveId;
}

/** A drive with one segment of a few batches; sealed when `ending` is "closed". */
export async function sampleDrive(ending: "closed" | "killed"): Promise<Sample> {
  const disk = createMemoryDisk();
  await format(disk);
  const drive = await openTestDrive(disk);
  const shards = [300, 500, 1, 90].map((sizeBytes) => makeShard({ sizeBytes }));
  await Promise.all(shards.slice(0, 2).map((shard) => drive.put(shard)));
  await Promise.all(shards.slice(2).map((shard) => drive.put(shard)));
  if (ending === "closed") await drive.close();
  const image = await imageOf(disk);
  return {
    image,
    shards,
    driveId: drive.driveId,
    path: [...image.keys()].find((path) => path.startsWith(segmentFolder))!,
  };
}

export function changed({ image, path }: Sample, change: (bytes: Buffer) => Buffer): Image {
  return new Map(image).set(path, change(Buffer.from(image.get(path)!)));
}

/** Every shard reads right, or is not there, or says that it is damaged. Returns how many read right. */
export async function countRight(drive: Drive, shards: readonly ShardWrite[]): Promise<number> {
  let count = 0;
  for (const shard of shards) {
    try {
      const found = await readVerified(drive, refOf(shard));
      if (found === null || found === "damaged") continue;
      expect(found.equals(shard.payload)).toBe(true);
      count += 1;
    } catch (error) {
      expect(error).toMatchObject({ kind: "repair" });
    }
  }
  return count;
}

/** Inverts one bit of every n-th byte, each time in a fresh copy. */
export async function flipBits(sample: Sample, everyBytes: number): Promise<void> {
  const { byteLength } = sample.image.get(sample.path)!;
  for (let at = 0; at < byteLength; at += everyBytes) {
    const image = changed(sample, (bytes) => {
      bytes[at] = bytes[at]! ^ (1 << (at % 8));
      return bytes;
    });
    const drive = await openTestDrive(await diskOf(image));
    expect(await countRight(drive, sample.shards)).toBeGreaterThanOrEqual(sample.shards.length - 1);
    await drive.close();
  }
}

/** Cuts the segment off at every n-th byte. */
export async function cutOff(sample: Sample, everyBytes: number): Promise<void> {
  const { byteLength } = sample.image.get(sample.path)!;
  let countBefore = 0;
  for (let length = 0; length <= byteLength; length += everyBytes) {
    const drive = await openTestDrive(await diskOf(changed(sample, (bytes) => bytes.subarray(0, length))));
    const count = await countRight(drive, sample.shards);
    expect(count).toBeGreaterThanOrEqual(countBefore);
    countBefore = count;
    await drive.close();
  }
  expect(countBefore).toBe(sample.shards.length);
}
