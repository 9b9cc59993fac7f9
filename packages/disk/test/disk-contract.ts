import { AssertionFailure, createSeededRandom, DiskError, type Disk, type DiskFile } from "@kakera/kernel";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

export interface DiskUnderTest {
  readonly disk: Disk;
  end(): Promise<void>;
}

/** What every driver of the Disk port keeps; a new driver is proved by running this over it. */
export function describeDiskContract(name: string, make: () => Promise<DiskUnderTest>): void {
  describe(`${name} keeps the contract of Disk`, () => {
    let made: DiskUnderTest;
    let disk: Disk;
    beforeEach(async () => {
      made = await make();
      disk = made.disk;
    });
    afterEach(async () => made.end());

    describeFiles(() => disk);
    describeFolders(() => disk);
  });
}

function describeFiles(disk: () => Disk): void {
  it("reads back what was written, at any position", async () => {
    await using file = await opened(disk(), "a", "create");
    await file.write(patterned(10_000, 1), 0);
    await file.write(patterned(100, 2), 5_000);
    const expected = patterned(10_000, 1);
    expected.set(patterned(100, 2), 5_000);
    expect(await contentOf(disk(), "a")).toEqual(expected);
    const middle = new Uint8Array(300);
    expect(await file.read(middle, 4_900)).toBe(300);
    expect(middle).toEqual(expected.subarray(4_900, 5_200));
    expect(file.readSync(middle, 100)).toBe(300);
    expect(middle).toEqual(expected.subarray(100, 400));
  });

  it("reads fewer bytes only at the end of the file", async () => {
    await using file = await opened(disk(), "a", "create");
    await file.write(patterned(1_000, 1), 0);
    const into = new Uint8Array(600).fill(7);
    expect(await file.read(into, 700)).toBe(300);
    expect(into.subarray(0, 300)).toEqual(patterned(1_000, 1).subarray(700));
    expect(into.subarray(300)).toEqual(new Uint8Array(300).fill(7));
    expect(await file.read(into, 1_000)).toBe(0);
    expect(await file.read(into, 5_000)).toBe(0);
    expect(file.readSync(into, 5_000)).toBe(0);
  });

  it("fills a gap that a write leaves with zeros", async () => {
    await using file = await opened(disk(), "a", "create");
    await file.write(patterned(10, 1), 9_000);
    expect(await file.sizeBytes()).toBe(9_010);
    const gap = new Uint8Array(9_000).fill(1);
    await file.read(gap, 0);
    expect(gap).toEqual(new Uint8Array(9_000));
  });

  it("forgets what a truncation cut off, also when the file grows again", async () => {
    await using file = await opened(disk(), "a", "create");
    await file.write(patterned(5_000, 1), 0);
    await file.truncate(1_234);
    await file.truncate(3_000);
    const expected = new Uint8Array(3_000);
    expected.set(patterned(5_000, 1).subarray(0, 1_234));
    expect(await contentOf(disk(), "a")).toEqual(expected);
    expect(await disk().stat("a")).toMatchObject({ sizeBytes: 3_000, isDirectory: false });
  });

  it("takes an empty read and an empty write", async () => {
    await using file = await opened(disk(), "a", "create");
    await file.write(new Uint8Array(0), 4_096);
    expect(await file.read(new Uint8Array(0), 0)).toBe(0);
    expect(await file.sizeBytes()).toBe(0);
  });

  it("works on views over shared memory", async () => {
    const memory = sharedMemory();
    const source = memory.subarray(4_096, 12_288);
    const target = memory.subarray(32_768, 40_960);
    source.set(patterned(8_192, 3));
    await using file = await opened(disk(), "a", "create");
    await file.write(source, 0);
    expect(await file.read(target, 0)).toBe(8_192);
    expect(Buffer.from(target).equals(Buffer.from(source))).toBe(true);
    expect(file.readSync(target.fill(0), 0)).toBe(8_192);
    expect(Buffer.from(target).equals(Buffer.from(source))).toBe(true);
  });

  it("keeps many calls on one file apart", async () => {
    await using file = await opened(disk(), "a", "create");
    const blocks = Array.from({ length: 32 }, (_, index) => patterned(4_096, index));
    await Promise.all(blocks.map((block, index) => file.write(block, index * 4_096)));
    await file.fdatasync();
    const read = await Promise.all(
      blocks.map(async (_, index) => {
        const into = new Uint8Array(4_096);
        await file.read(into, index * 4_096);
        return into;
      }),
    );
    expect(read).toEqual(blocks);
  });

  it("opens with synchronous and direct writes, and falls back where it cannot", async () => {
    const memory = sharedMemory();
    const block = memory.subarray(0, 8_192);
    block.set(patterned(8_192, 9));
    const file = await disk().open("a", { access: "create", isSynchronous: true, isDirect: true });
    await file.write(block, 0);
    await file.write(block.subarray(0, 4_096), 8_192);
    await file.truncate(10_000);
    const tail = memory.subarray(16_384, 24_576);
    expect(await file.read(tail, 4_096)).toBe(10_000 - 4_096);
    await file.close();
    const expected = new Uint8Array(10_000);
    expected.set(patterned(8_192, 9));
    expected.set(patterned(8_192, 9).subarray(0, 10_000 - 8_192), 8_192);
    expect(await contentOf(disk(), "a")).toEqual(expected);
  });

  it("names why a file cannot be opened", async () => {
    await (await disk().open("a", { access: "create" })).close();
    await expectCode(disk().open("a", { access: "create" }), "EEXIST");
    await expectCode(disk().open("b", { access: "read" }), "ENOENT");
    await expectCode(disk().open("b", { access: "write" }), "ENOENT");
    await expectCode(disk().open("no/b", { access: "create" }), "ENOENT");
    await expectCode(disk().open("a/b", { access: "create" }), "ENOTDIR");
    await disk().makeDirectory("d");
    await expectCode(disk().open("d", { access: "write" }), "EISDIR");
  });

  it("refuses to change a file opened to read, and any call after close", async () => {
    await (await disk().open("a", { access: "create" })).close();
    const file = await disk().open("a", { access: "read" });
    await expectCode(file.write(patterned(1, 1), 0), "EBADF");
    await expect(file.truncate(0)).rejects.toBeInstanceOf(DiskError);
    await file.close();
    await file.close();
    await expectCode(file.read(new Uint8Array(1), 0), "EBADF");
    await expectCode(file.fdatasync(), "EBADF");
    expect(() => file.readSync(new Uint8Array(1), 0)).toThrow(DiskError);
  });

  it("lets calls that are out finish before close takes the file away", async () => {
    const file = await disk().open("a", { access: "create" });
    const writes = Array.from({ length: 16 }, (_, index) => file.write(patterned(4_096, index), index * 4_096));
    await file.close();
    await Promise.all(writes);
    const content = await contentOf(disk(), "a");
    expect(content.byteLength).toBe(16 * 4_096);
    expect(content.subarray(15 * 4_096)).toEqual(patterned(4_096, 15));
  });

  it("goes on serving a file that was unlinked or replaced while open", async () => {
    await using first = await opened(disk(), "a", "create");
    await first.write(patterned(100, 1), 0);
    await using second = await opened(disk(), "b", "create");
    await second.write(patterned(100, 2), 0);
    await disk().rename("b", "a");
    expect(await contentOf(disk(), "a")).toEqual(patterned(100, 2));
    const into = new Uint8Array(100);
    await first.read(into, 0);
    expect(into).toEqual(patterned(100, 1));
    await disk().unlink("a");
    await second.read(into, 0);
    expect(into).toEqual(patterned(100, 2));
    expect(await disk().stat("a")).toBeNull();
  });
}

function describeFolders(disk: () => Disk): void {
  it("lists names sorted by code unit", async () => {
    await disk().makeDirectory("d/sub");
    for (const name of ["b", "B", "a10", "a2", "ä"])
      await (await disk().open(`d/${name}`, { access: "create" })).close();
    expect(await disk().list("d")).toEqual(["B", "a10", "a2", "b", "sub", "ä"]);
    expect(await disk().list("d/sub")).toEqual([]);
    expect(await disk().list("")).toEqual(["d"]);
    expect(await disk().list(".")).toEqual(["d"]);
    await expectCode(disk().list("none"), "ENOENT");
  });

  it("makes folders with their parents, again without an error, and never over a file", async () => {
    await disk().makeDirectory("x/y/z");
    await disk().makeDirectory("x/y/z");
    expect(await disk().stat("x/y")).toMatchObject({ isDirectory: true });
    await (await disk().open("x/file", { access: "create" })).close();
    await expectCode(disk().makeDirectory("x/file"), "ENOTDIR");
    await expectCode(disk().makeDirectory("x/file/more"), "ENOTDIR");
  });

  it("renames within and between folders, also a whole folder", async () => {
    await disk().makeDirectory("x");
    await disk().makeDirectory("y");
    const file = await disk().open("x/a", { access: "create" });
    await file.write(patterned(10, 4), 0);
    await file.close();
    await disk().rename("x/a", "y/b");
    expect(await disk().list("x")).toEqual([]);
    await disk().rename("y", "z");
    expect(await contentOf(disk(), "z/b")).toEqual(patterned(10, 4));
    await disk().rename("z/b", "z/b");
    expect(await contentOf(disk(), "z/b")).toEqual(patterned(10, 4));
  });

  it("names why a rename or an unlink cannot be done", async () => {
    await disk().makeDirectory("d/e");
    await (await disk().open("a", { access: "create" })).close();
    await expectCode(disk().rename("b", "c"), "ENOENT");
    await expectCode(disk().rename("a", "no/c"), "ENOENT");
    await expectCode(disk().rename("a", "d"), "EISDIR");
    await expectCode(disk().rename("d", "a"), "ENOTDIR");
    await expectCode(disk().rename("d", "d/e/f"), "EINVAL");
    await expectCode(disk().unlink("b"), "ENOENT");
    await expectCode(disk().unlink("d"), "EISDIR");
  });

  it("syncs a folder that is there, and says so when it is not", async () => {
    await disk().makeDirectory("d");
    await disk().syncDirectory("d");
    await disk().syncDirectory("");
    await expectCode(disk().syncDirectory("none"), "ENOENT");
  });

  it("stats what is there, and nothing with null", async () => {
    await (await disk().open("a", { access: "create" })).close();
    expect(await disk().stat("a")).toMatchObject({ sizeBytes: 0, isDirectory: false });
    expect(await disk().stat("")).toMatchObject({ isDirectory: true });
    expect((await disk().stat("a"))?.deviceId).toBe((await disk().stat(""))?.deviceId);
    expect(await disk().stat("none")).toBeNull();
    expect(await disk().stat("none/deeper")).toBeNull();
    expect(await disk().stat("a/deeper")).toBeNull();
  });

  it("tells its room", async () => {
    const { freeBytes, totalBytes } = await disk().space();
    expect(freeBytes).toBeGreaterThan(0);
    expect(totalBytes).toBeGreaterThanOrEqual(freeBytes);
  });

  it("refuses paths that leave the drive, as bugs", async () => {
    for (const path of ["../a", "a/../../b", "/etc/passwd", "a//b", "a/./b", "a\0b"]) {
      await expect(disk().open(path, { access: "read" })).rejects.toBeInstanceOf(AssertionFailure);
      await expect(disk().list(path)).rejects.toBeInstanceOf(AssertionFailure);
      await expect(disk().stat(path)).rejects.toBeInstanceOf(AssertionFailure);
      await expect(disk().unlink(path)).rejects.toBeInstanceOf(AssertionFailure);
      await expect(disk().makeDirectory(path)).rejects.toBeInstanceOf(AssertionFailure);
      await expect(disk().syncDirectory(path)).rejects.toBeInstanceOf(AssertionFailure);
      await expect(disk().rename("a", path)).rejects.toBeInstanceOf(AssertionFailure);
    }
    await expect(disk().open("", { access: "create" })).rejects.toBeInstanceOf(AssertionFailure);
    await expect(disk().unlink(".")).rejects.toBeInstanceOf(AssertionFailure);
  });
}

/** 64 KiB that begin on a page, as the codec's memory does: O_DIRECT asks for it. */
function sharedMemory(): Uint8Array {
  type Memory = new (limits: object) => { readonly buffer: SharedArrayBuffer };
  const { Memory } = (globalThis as unknown as { WebAssembly: { Memory: Memory } }).WebAssembly;
  return new Uint8Array(new Memory({ initial: 1, maximum: 1, shared: true }).buffer);
}

/** `sizeBytes` repeatable bytes, different for each `seed`. */
export function patterned(sizeBytes: number, seed: number): Uint8Array {
  return createSeededRandom(seed * 7919 + 1).bytes(sizeBytes);
}

export async function contentOf(disk: Disk, path: string): Promise<Uint8Array> {
  await using file = await opened(disk, path, "read");
  const into = new Uint8Array(await file.sizeBytes());
  await file.read(into, 0);
  return into;
}

export async function expectCode(attempt: Promise<unknown>, code: string): Promise<void> {
  const error = await attempt.then(
    () => "nothing was rejected",
    (rejection: unknown) => rejection,
  );
  expect(error).toBeInstanceOf(DiskError);
  expect((error as DiskError).code).toBe(code);
}

async function opened(disk: Disk, path: string, access: "read" | "create"): Promise<DiskFile & AsyncDisposable> {
  const file = await disk.open(path, { access });
  return Object.assign(file, { [Symbol.asyncDispose]: () => file.close() });
}
