import {
  crashImageAt,
  crashImages,
  createCrashWorld,
  freshDrives,
  type CrashImage,
  type CrashWorld,
} from "@kakera/disk";
import { AssertionFailure, createSeededRandom, type Disk } from "@kakera/kernel";
import { describe, expect, it } from "vitest";
import { contentOf, expectCode, patterned } from "./disk-contract.ts";

const block = 4_096;

describe("the crash model of files", () => {
  it("lets a crash keep, drop, tear or half-keep a write that was not synced", async () => {
    const { disk, world } = await withDurableFile(new Uint8Array(3 * block));
    await write(disk, new Uint8Array(2 * 512).fill(1), block);
    const sectors = await outcomesOf(world, async (image) => {
      const content = await contentOf(image, "f");
      return [content.subarray(block, block + 512), content.subarray(block + 512, block + 1_024)].map(describeSector);
    });
    for (const expected of ["0,0", "1,1", "0,1", "1,0"]) expect(sectors).toContain(expected);
    expect([...sectors].some((sector) => sector.includes("torn"))).toBe(true);
  });

  it("never takes back what an fdatasync covered that began after the write", async () => {
    const { disk, world } = await withDurableFile(new Uint8Array(0));
    await write(disk, patterned(1_000, 1), 0);
    await sync(disk);
    expect(await outcomesOf(world, async (image) => equals(await contentOf(image, "f"), patterned(1_000, 1)))).toEqual(
      new Set(["true"]),
    );
  });

  it("does not cover a write by an fdatasync that began before the write had ended", async () => {
    const { disk, world } = await withDurableFile(new Uint8Array(block));
    const file = await disk.open("f", { access: "write" });
    const syncing = file.fdatasync();
    await file.write(new Uint8Array(512).fill(1), 0);
    await syncing;
    expect(await outcomesOf(world, firstByte)).toContain("0");
    const writing = file.write(new Uint8Array(512).fill(2), 512);
    await file.fdatasync();
    await writing;
    const seconds = await outcomesOf(world, async (image) => (await contentOf(image, "f"))[512]);
    expect(seconds).toEqual(new Set(["0", "2"]));
  });

  it("makes a synchronous write durable, and no plain write beside it", async () => {
    const { disk, world } = await withDurableFile(new Uint8Array(2 * block));
    await write(disk, new Uint8Array(512).fill(1), 0);
    const file = await disk.open("f", { access: "write", isSynchronous: true });
    await file.write(new Uint8Array(512).fill(2), block);
    expect(await outcomesOf(world, async (image) => (await contentOf(image, "f"))[block])).toEqual(new Set(["2"]));
    expect(await outcomesOf(world, firstByte)).toContain("0");
  });

  it("keeps the growth that a synchronous write brought, though an earlier plain write is still not durable", async () => {
    const { disk, world } = await withDurableFile(new Uint8Array(block));
    await write(disk, new Uint8Array(512).fill(1), 0);
    const file = await disk.open("f", { access: "write", isSynchronous: true });
    await file.write(new Uint8Array(512).fill(2), block);
    const outcomes = await outcomesOf(
      world,
      async (image) => `${await sizeOf(image)} ${(await contentOf(image, "f"))[block]}`,
    );
    expect(outcomes).toEqual(new Set([`${block + 512} 2`]));
  });

  it("lets an older write win over a newer one, but none that is older than the last durable one", async () => {
    const { disk, world } = await withDurableFile(new Uint8Array(block));
    for (const value of [1, 2]) await write(disk, new Uint8Array(512).fill(value), 0);
    await sync(disk);
    for (const value of [3, 4]) await write(disk, new Uint8Array(512).fill(value), 0);
    const whole = [...(await outcomesOf(world, async (image) => describeSector(await firstSector(image))))];
    expect(whole.filter((value) => !value.includes("torn")).sort()).toEqual(["2", "3", "4"]);
  });

  it("may spoil the whole block of a write that was under way, with what was durable in it, and no other block", async () => {
    const { disk, world } = await withDurableFile(patterned(3 * block, 5));
    await write(disk, new Uint8Array(512).fill(1), block + 1_024);
    const before = patterned(3 * block, 5);
    let spoiledCount = 0;
    for (const image of imagesNow(world, { count: 2_000, spoiledBlockShare: 0.5 })) {
      const content = await contentOf(diskOf(image), "f");
      expect(equals(content.subarray(0, block), before.subarray(0, block))).toBe(true);
      expect(equals(content.subarray(2 * block), before.subarray(2 * block))).toBe(true);
      if (!equals(content.subarray(block, block + 1_024), before.subarray(block, block + 1_024))) spoiledCount += 1;
    }
    expect(spoiledCount).toBeGreaterThan(10);
  });

  it("keeps the size as durable as the bytes, and lets unsynced growth show zeros", async () => {
    const { disk, world } = await withDurableFile(new Uint8Array(0));
    await write(disk, new Uint8Array(600).fill(1), 0);
    await sync(disk);
    await write(disk, new Uint8Array(1_024).fill(2), 1_024);
    const outcomes = await outcomesOf(world, async (image) => {
      const content = await contentOf(image, "f");
      return [content.byteLength, content[0], content[599], content[1_024]].join();
    });
    expect(outcomes).toContain("600,1,1,");
    expect(outcomes).toContain("2048,1,1,2");
    expect(outcomes).toContain("2048,1,1,0");
  });

  it("lets a truncation be there or not until it is synced", async () => {
    const { disk, world } = await withDurableFile(new Uint8Array(2_000).fill(1));
    const file = await disk.open("f", { access: "write" });
    await file.truncate(100);
    expect(await outcomesOf(world, sizeOf)).toEqual(new Set(["100", "2000"]));
    await file.truncate(300);
    await file.fdatasync();
    const outcomes = await outcomesOf(world, async (image) => {
      const content = await contentOf(image, "f");
      return `${content.byteLength},${content[99]},${content[100]}`;
    });
    expect(outcomes).toEqual(new Set(["300,1,0"]));
  });

  it("forgets for good what a failed fdatasync should have made durable, though it can still be read", async () => {
    let failures = 1;
    const { disk, world } = await withDurableFile(new Uint8Array(block), () => failures-- > 0);
    await write(disk, new Uint8Array(512).fill(1), 0);
    const file = await disk.open("f", { access: "write" });
    await expectCode(file.fdatasync(), "EIO");
    await file.write(new Uint8Array(512).fill(2), 512);
    await file.fdatasync();
    expect((await contentOf(disk, "f"))[0]).toBe(1);
    const outcomes = await outcomesOf(world, async (image) => {
      const content = await contentOf(image, "f");
      return `${content[0]},${content[512]}`;
    });
    expect(outcomes).toEqual(new Set(["0,2", "1,2"]));
  });

  it("fails a synchronous write likewise", async () => {
    const { disk, world } = await withDurableFile(new Uint8Array(block), () => true);
    const file = await disk.open("f", { access: "write", isSynchronous: true });
    await expectCode(file.write(new Uint8Array(512).fill(1), 0), "EIO");
    expect(await outcomesOf(world, firstByte)).toEqual(new Set(["0", "1"]));
  });

  it("sees a buffer that changes while it is written", async () => {
    const { disk } = await withDurableFile(new Uint8Array(block));
    const file = await disk.open("f", { access: "write" });
    const data = new Uint8Array(512);
    const writing = file.write(data, 0);
    data[3] = 1;
    await expect(writing).rejects.toBeInstanceOf(AssertionFailure);
  });
});

describe("the crash model of names", () => {
  it("lets a synced file vanish whose folder was not synced, and keeps it after that", async () => {
    const { disk, world } = newWorld();
    const file = await disk.open("f", { access: "create" });
    await file.write(new Uint8Array(10).fill(1), 0);
    await file.fdatasync();
    expect(await outcomesOf(world, namesIn(""))).toEqual(new Set(["", "f"]));
    await disk.syncDirectory("");
    expect(await outcomesOf(world, firstByte)).toEqual(new Set(["1"]));
  });

  it("does not cover a name by a folder's sync that began before the name was there", async () => {
    const { disk, world } = newWorld();
    const syncing = disk.syncDirectory("");
    await disk.open("f", { access: "create" });
    await syncing;
    expect(await outcomesOf(world, namesIn(""))).toEqual(new Set(["", "f"]));
  });

  it("shows a renamed file under its old or its new name, never under none or both", async () => {
    const { disk, world } = await withDurableFile(new Uint8Array([1]));
    await disk.rename("f", "g");
    expect(await outcomesOf(world, namesIn(""))).toEqual(new Set(["f", "g"]));
    await disk.syncDirectory("");
    expect(await outcomesOf(world, namesIn(""))).toEqual(new Set(["g"]));
  });

  it("shows the old or the new file after an unsynced replacement, and the replaced content whole", async () => {
    const { disk, world } = await withDurableFile(new Uint8Array([1]));
    const file = await disk.open("new", { access: "create" });
    await file.write(new Uint8Array([2]), 0);
    await file.fdatasync();
    await disk.rename("new", "f");
    const outcomes = await outcomesOf(
      world,
      async (image) => `${await firstByte(image)} of ${await namesIn("")(image)}`,
    );
    expect(outcomes).toEqual(new Set(["1 of f", "1 of f,new", "2 of f"]));
  });

  it("moves between folders in both or in neither, until both are synced", async () => {
    const { disk, world } = newWorld();
    await disk.makeDirectory("a");
    await disk.makeDirectory("b");
    await disk.open("a/f", { access: "create" });
    await disk.syncDirectory("a");
    await disk.syncDirectory("");
    await disk.rename("a/f", "b/f");
    await disk.syncDirectory("b");
    const both = async (image: Disk) => `${await namesIn("a")(image)}|${await namesIn("b")(image)}`;
    expect(await outcomesOf(world, both)).toEqual(new Set(["f|", "|f"]));
    await disk.syncDirectory("a");
    expect(await outcomesOf(world, both)).toEqual(new Set(["|f"]));
  });

  it("keeps a synced name, though an earlier move out of the same folder is still not durable", async () => {
    const { disk, world } = newWorld();
    await disk.makeDirectory("a");
    await disk.makeDirectory("b");
    await disk.open("a/f", { access: "create" });
    for (const folder of ["a", ""]) await disk.syncDirectory(folder);
    await disk.rename("a/f", "b/f");
    await disk.open("a/g", { access: "create" });
    await disk.syncDirectory("a");
    expect(await outcomesOf(world, namesIn("a"))).toEqual(new Set(["g", "f,g"]));
  });

  it("brings an unlinked file back until its folder is synced", async () => {
    const { disk, world } = await withDurableFile(new Uint8Array([7]));
    await disk.unlink("f");
    expect(await outcomesOf(world, namesIn(""))).toEqual(new Set(["", "f"]));
    for (const image of imagesNow(world, { count: 50 })) {
      if ((await diskOf(image).stat("f")) !== null) expect((await contentOf(diskOf(image), "f"))[0]).toBe(7);
    }
    await disk.syncDirectory("");
    expect(await outcomesOf(world, namesIn(""))).toEqual(new Set([""]));
  });

  it("loses a folder with all that is in it while its parent was not synced", async () => {
    const { disk, world } = newWorld();
    await disk.makeDirectory("a/b");
    await disk.open("a/b/f", { access: "create" });
    await disk.syncDirectory("a/b");
    await disk.syncDirectory("a");
    expect(await outcomesOf(world, namesIn(""))).toEqual(new Set(["", "a"]));
    await disk.syncDirectory("");
    expect(await outcomesOf(world, namesIn("a/b"))).toEqual(new Set(["f"]));
  });

  it("keeps names in different folders apart, in any combination", async () => {
    const { disk, world } = newWorld();
    for (const folder of ["a", "b"]) await disk.makeDirectory(folder);
    await disk.syncDirectory("");
    for (const path of ["a/1", "b/1", "a/2", "b/2"]) await disk.open(path, { access: "create" });
    const outcomes = await outcomesOf(
      world,
      async (image) => `${await namesIn("a")(image)}|${await namesIn("b")(image)}`,
    );
    expect(outcomes.size).toBe(16);
  });

  it("never shows a later change of a name without the earlier ones", async () => {
    const { disk, world } = newWorld();
    await disk.open("x", { access: "create" });
    await disk.rename("x", "y");
    await disk.open("x", { access: "create" });
    await disk.unlink("y");
    expect(await outcomesOf(world, namesIn(""))).toEqual(new Set(["", "x", "y", "x,y"]));
  });

  it("does not make a folder's sync that failed count", async () => {
    const { disk, world } = newWorld(() => true);
    await disk.open("f", { access: "create" });
    await expectCode(disk.syncDirectory(""), "EIO");
    expect(await outcomesOf(world, namesIn(""))).toEqual(new Set(["", "f"]));
  });
});

describe("a crash world", () => {
  it("cuts all drives at one moment", async () => {
    const world = createCrashWorld({ random: createSeededRandom(3), start: freshDrives(2) });
    const [a, b] = world.disks as [Disk, Disk];
    for (const disk of [a, b]) await disk.open("f", { access: "create" });
    for (const disk of [a, b]) await disk.syncDirectory("");
    for (let step = 1; step <= 5; step += 1) {
      for (const disk of [a, b]) {
        await write(disk, new Uint8Array([step]), 0);
        await sync(disk);
      }
    }
    let count = 0;
    for (const image of crashImages(world.history(), { random: createSeededRandom(4), imagesPerPosition: 20 })) {
      const [onA, onB] = await Promise.all(
        image.disks().map(async (disk) => Number((await firstByteOrNone(disk)) ?? -1)),
      );
      const [first, second] = [onA ?? 0, onB ?? 0];
      // A's step n is durable before B's begins; and A is at most one step ahead.
      if (first <= 5 && second <= 5 && first >= 0) expect([second, second + 1]).toContain(first);
      count += 1;
    }
    expect(count).toBeGreaterThan(500);
  });

  it("is the same for the same seed, and one image can be made again", async () => {
    const run = async (): Promise<CrashWorld> => {
      const { disk, world } = newWorld();
      const file = await disk.open("f", { access: "create" });
      const work = Array.from({ length: 20 }, async (_, index) => {
        await file.write(patterned(1_500, index), index * 700);
        await file.fdatasync();
      });
      await Promise.all(work);
      await disk.syncDirectory("");
      return world;
    };
    const [first, second] = [await run(), await run()];
    expect(first.history().events).toEqual(second.history().events);
    const images = (world: CrashWorld) => [
      ...crashImages(world.history(), { random: createSeededRandom(9), imagesPerPosition: 2 }),
    ];
    const [all, again] = [images(first), images(second)];
    for (const [index, image] of all.entries()) {
      expect(image.trees).toEqual(again[index]?.trees);
      if (index % 37 === 0) expect(crashImageAt(first.history(), image).trees).toEqual(image.trees);
    }
  });

  it("leaves several calls under way at once, and ends them in another order than they began", async () => {
    const { disk, world } = newWorld();
    const file = await disk.open("f", { access: "create" });
    await Promise.all(Array.from({ length: 30 }, (_, index) => file.write(new Uint8Array([index]), index)));
    const { events } = world.history();
    const ended = events.filter((event) => event.kind === "ended").map((event) => event.call);
    expect(ended).not.toEqual(ended.toSorted((a, b) => a - b));
  });

  it("can crash again from an image", async () => {
    const { disk, world } = await withDurableFile(new Uint8Array([1]));
    await disk.rename("f", "g");
    await disk.syncDirectory("");
    const [image] = imagesNow(world, { count: 1 });
    const next = createCrashWorld({ random: createSeededRandom(5), start: image?.trees ?? [] });
    const [reopened] = next.disks as [Disk];
    expect(await contentOf(reopened, "g")).toEqual(new Uint8Array([1]));
    await reopened.unlink("g");
    await reopened.syncDirectory("");
    expect(await outcomesOf(next, namesIn(""))).toEqual(new Set([""]));
    expect(await outcomesOf(world, namesIn(""))).toEqual(new Set(["g"]));
  });

  it("leaves an image as it is when one of its disks is changed", async () => {
    const { world } = await withDurableFile(new Uint8Array([1]));
    const [image] = imagesNow(world, { count: 1 }) as [CrashImage];
    const first = diskOf(image);
    const file = await first.open("f", { access: "write" });
    await file.write(new Uint8Array([2]), 0);
    await first.unlink("f");
    expect(await firstByte(diskOf(image))).toBe("1");
    expect(await outcomesOf(world, firstByte)).toEqual(new Set(["1"]));
  });
});

type SyncFails = () => boolean;

function newWorld(syncFails: SyncFails = () => false): { disk: Disk; world: CrashWorld } {
  const world = createCrashWorld({ random: createSeededRandom(1), start: freshDrives(1), syncFails });
  return { world, disk: world.disks[0] as Disk };
}

/** A world whose drive holds the file "f", durable with its name. */
async function withDurableFile(content: Uint8Array, syncFails?: SyncFails): Promise<{ disk: Disk; world: CrashWorld }> {
  const { disk, world } = newWorld();
  const file = await disk.open("f", { access: "create" });
  await file.write(content, 0);
  await file.fdatasync();
  await disk.syncDirectory("");
  const [image] = imagesNow(world, { count: 1 });
  const settled = createCrashWorld({
    random: createSeededRandom(2),
    start: image?.trees ?? [],
    ...(syncFails === undefined ? {} : { syncFails }),
  });
  return { world: settled, disk: settled.disks[0] as Disk };
}

async function write(disk: Disk, data: Uint8Array, positionBytes: number): Promise<void> {
  await (await disk.open("f", { access: "write" })).write(data, positionBytes);
}

async function sync(disk: Disk): Promise<void> {
  await (await disk.open("f", { access: "write" })).fdatasync();
}

function imagesNow(world: CrashWorld, settings: { count: number; spoiledBlockShare?: number }): CrashImage[] {
  const { count, spoiledBlockShare = 0 } = settings;
  const isWanted = (position: number): boolean => position === world.position();
  const random = createSeededRandom(11);
  return [...crashImages(world.history(), { random, imagesPerPosition: count, isWanted, spoiledBlockShare })];
}

/** Everything that the images of this moment show, as strings. */
async function outcomesOf(world: CrashWorld, look: (image: Disk) => Promise<unknown>): Promise<Set<string>> {
  const seen = new Set<string>();
  for (const image of imagesNow(world, { count: 1_000 })) seen.add(String(await look(diskOf(image))));
  return seen;
}

function diskOf(image: CrashImage): Disk {
  return image.disks()[0] as Disk;
}

function namesIn(folder: string): (image: Disk) => Promise<string> {
  return async (image) => (await image.list(folder)).join();
}

async function firstSector(image: Disk): Promise<Uint8Array> {
  return (await contentOf(image, "f")).subarray(0, 512);
}

async function firstByte(image: Disk): Promise<string> {
  return String((await contentOf(image, "f"))[0]);
}

async function firstByteOrNone(image: Disk): Promise<string | null> {
  return (await image.stat("f")) === null ? null : firstByte(image).then((byte) => (byte === "undefined" ? "0" : byte));
}

async function sizeOf(image: Disk): Promise<string> {
  return String((await contentOf(image, "f")).byteLength);
}

/** The value that fills the sector, or "torn" or "spoiled". */
function describeSector(sector: Uint8Array): string {
  const values = new Set(sector);
  if (values.size === 1) return String(sector[0]);
  return values.size === 2 ? `torn ${[...values].join("/")}` : "torn by a spoiled block";
}

function equals(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0;
}
