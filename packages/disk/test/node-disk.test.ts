import fs from "node:fs";
import { mkdir, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createNodeDisk, type FileCalls } from "@kakera/disk";
import { AssertionFailure, DiskError } from "@kakera/kernel";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { contentOf, expectCode, patterned } from "./disk-contract.ts";

describe("the disk of the machine", () => {
  let folder: string;
  beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), "kakera-disk-"))));
  afterEach(async () => rm(folder, { recursive: true }));

  /** node:fs with some calls replaced. */
  const withCalls = (replaced: object) => createNodeDisk(folder, { calls: { ...fs, ...replaced } as FileCalls });

  it("writes on after a short write, and reads on after a short read", async () => {
    let writes = 0;
    const disk = withCalls({
      write: (descriptor: number, ...[bytes, offset, length, position, done]: Parameters<typeof shortTransfer>) => {
        writes += 1;
        fs.write(descriptor, bytes, offset, Math.min(length, 1_000), position, done);
      },
      read: (descriptor: number, ...[bytes, offset, length, position, done]: Parameters<typeof shortTransfer>) =>
        fs.read(descriptor, bytes, offset, Math.min(length, 700), position, done),
      readSync: (descriptor: number, bytes: Uint8Array, offset: number, length: number, position: number) =>
        fs.readSync(descriptor, bytes, offset, Math.min(length, 700), position),
    });
    const file = await disk.open("a", { access: "create" });
    await file.write(patterned(4_500, 1), 0);
    expect(writes).toBe(5);
    expect(new Uint8Array(await readFile(join(folder, "a")))).toEqual(patterned(4_500, 1));
    expect(await contentOf(disk, "a")).toEqual(patterned(4_500, 1));
    const into = new Uint8Array(5_000);
    expect(file.readSync(into, 0)).toBe(4_500);
    expect(into.subarray(0, 4_500)).toEqual(patterned(4_500, 1));
    await file.close();
  });

  it("gives up on a device that takes nothing", async () => {
    const disk = withCalls({
      write: (...[, , , , , done]: [number, ...Parameters<typeof shortTransfer>]) => done(null, 0),
    });
    const file = await disk.open("a", { access: "create" });
    await expectCode(file.write(patterned(10, 1), 0), "EIO");
    await file.close();
  });

  it("reports the kernel's errno, the path and the operation", async () => {
    const full = Object.assign(new Error("no space left"), { code: "ENOSPC" });
    const broken = Object.assign(new Error("i/o error"), { code: "EIO" });
    const disk = withCalls({
      write: (...[, , , , , done]: [number, ...Parameters<typeof shortTransfer>]) => done(full, 0),
      fdatasync: (_descriptor: number, done: (error: Error) => void) => done(broken),
    });
    await disk.makeDirectory("d");
    const file = await disk.open("d/a", { access: "create" });
    const error = await file.write(patterned(10, 1), 0).catch((rejection: unknown) => rejection);
    expect(error).toBeInstanceOf(DiskError);
    expect(error).toMatchObject({ code: "ENOSPC", path: "d/a", message: "write d/a: ENOSPC", cause: full });
    await expectCode(file.fdatasync(), "EIO");
    await file.close();
  });

  it("opens synchronous files with O_DSYNC and direct ones with O_DIRECT", async () => {
    const flagsSeen: number[] = [];
    const disk = withCalls({
      open: (place: string, flags: number, mode: number, done: (error: Error | null, descriptor: number) => void) => {
        flagsSeen.push(flags);
        fs.open(place, flags & ~fs.constants.O_DIRECT, mode, done);
      },
    });
    await (await disk.open("a", { access: "create", isSynchronous: true })).close();
    await (await disk.open("a", { access: "write", isDirect: true })).close();
    await (await disk.open("a", { access: "read" })).close();
    const { O_DSYNC, O_DIRECT, O_EXCL } = fs.constants;
    expect(flagsSeen.map((flags) => flags & (O_DSYNC | O_DIRECT | O_EXCL))).toEqual([O_DSYNC | O_EXCL, O_DIRECT, 0]);
  });

  it("opens through the page cache where O_DIRECT is refused, also for a file that the refusal left behind", async () => {
    const disk = withCalls({
      open: (place: string, flags: number, mode: number, done: (error: Error | null, descriptor?: number) => void) => {
        if ((flags & fs.constants.O_DIRECT) === 0) return fs.open(place, flags, mode, done);
        if ((flags & fs.constants.O_CREAT) !== 0) fs.writeFileSync(place, "", { flag: "wx" });
        done(Object.assign(new Error("invalid argument"), { code: "EINVAL" }));
      },
    });
    const file = await disk.open("a", { access: "create", isDirect: true });
    await file.write(patterned(5, 1), 3);
    await file.close();
    expect((await contentOf(disk, "a")).subarray(3)).toEqual(patterned(5, 1));
    await (await disk.open("a", { access: "write", isDirect: true })).close();
  });

  it("goes on through the page cache when a direct transfer is refused", async () => {
    const descriptorsBefore = fs.readdirSync("/proc/self/fd").length;
    const direct = new Set<number>();
    const refused = Object.assign(new Error("invalid argument"), { code: "EINVAL" });
    const disk = withCalls({
      open: (place: string, flags: number, mode: number, done: (error: Error | null, descriptor: number) => void) =>
        fs.open(place, flags & ~fs.constants.O_DIRECT, mode, (error, descriptor) => {
          if ((flags & fs.constants.O_DIRECT) !== 0) direct.add(descriptor);
          done(error, descriptor);
        }),
      write: (descriptor: number, ...rest: Parameters<typeof shortTransfer>) =>
        direct.has(descriptor) ? rest[4](refused, 0) : fs.write(descriptor, ...rest),
    });
    const file = await disk.open("a", { access: "create", isDirect: true });
    await disk.rename("a", "b");
    await Promise.all([file.write(patterned(4_096, 1), 0), file.write(patterned(4_096, 2), 4_096)]);
    await file.close();
    expect((await contentOf(disk, "b")).subarray(4_096)).toEqual(patterned(4_096, 2));
    expect(fs.readdirSync("/proc/self/fd").length).toBe(descriptorsBefore);
  });

  it("closes no descriptor under a call", async () => {
    const order: string[] = [];
    let finish = (): void => {};
    const disk = withCalls({
      write: (...[, , , length, , done]: [number, ...Parameters<typeof shortTransfer>]) => {
        finish = () => {
          order.push("written");
          done(null, length);
        };
      },
      close: (descriptor: number, done: (error: Error | null) => void) => {
        order.push("closed");
        fs.close(descriptor, done);
      },
    });
    const file = await disk.open("a", { access: "create" });
    const writing = file.write(patterned(10, 1), 0);
    const closing = file.close();
    await disk.stat("a");
    finish();
    await Promise.all([writing, closing]);
    expect(order).toEqual(["written", "closed"]);
  });

  it("takes a misaligned direct transfer for a bug", async () => {
    const disk = withCalls({});
    const file = await disk.open("a", { access: "create", isDirect: true });
    await expect(file.write(new Uint8Array(4_095), 0)).rejects.toBeInstanceOf(AssertionFailure);
    await expect(file.write(new Uint8Array(4_096), 512)).rejects.toBeInstanceOf(AssertionFailure);
    await file.close();
  });

  it("never makes its own folder, so that a missing mount is not written into", async () => {
    const disk = createNodeDisk(join(folder, "mount"));
    await expectCode(disk.makeDirectory("segments"), "ENOENT");
    await expectCode(disk.open("a", { access: "create" }), "ENOENT");
    expect(await disk.stat("")).toBeNull();
    expect(fs.existsSync(join(folder, "mount"))).toBe(false);
  });

  it("follows no symbolic link out of the drive", async () => {
    await mkdir(join(folder, "drive"));
    fs.writeFileSync(join(folder, "outside"), "secret");
    await symlink("../outside", join(folder, "drive", "link"));
    const disk = createNodeDisk(join(folder, "drive"));
    await expectCode(disk.open("link", { access: "write" }), "ELOOP");
  });
});

declare function shortTransfer(
  bytes: Uint8Array,
  offset: number,
  length: number,
  position: number,
  done: (error: Error | null, countBytes: number) => void,
): void;
