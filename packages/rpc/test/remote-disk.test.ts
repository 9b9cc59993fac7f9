import { createMemoryDisk, faultyDisk } from "@kakera/disk";
import { alignedBuffer, createSeededRandom, DiskError, newId, type Disk } from "@kakera/kernel";
import { describe, expect, it } from "vitest";
import { startNode, random } from "./node-kit.ts";
import { failureOf, until } from "./socket-kit.ts";

const folder = ".kakera/archive";
const mib = 1024 * 1024;

async function contentOf(disk: Disk, path: string): Promise<Buffer> {
  const file = await disk.open(path, { access: "read" });
  const into = Buffer.alloc((await file.sizeBytes()) + 10);
  const sizeBytes = await file.read(into, 0);
  await file.close();
  return into.subarray(0, sizeBytes);
}

describe("the archive's part of another node's drive", () => {
  it("keeps files as a disk does", async () => {
    const archiveDisk = createMemoryDisk();
    await using node = await startNode({ archiveDisk });
    const disk = node.client().archiveDisk(node.driveId);
    await disk.makeDirectory(`${folder}/7`);
    for (const path of [`${folder}/7`, folder, ".kakera", "."]) await disk.syncDirectory(path);
    const bytes = Buffer.from(createSeededRandom(3).bytes(9 * mib + 5));
    const file = await disk.open(`${folder}/7/a`, { access: "create", isSynchronous: true });
    await file.write(bytes.subarray(0, 1000), 0);
    await file.write(bytes, 0);
    await file.write(Buffer.alloc(0), 0);
    await file.fdatasync();
    expect(await file.sizeBytes()).toBe(bytes.byteLength);
    const middle = Buffer.alloc(5 * mib);
    expect(await file.read(middle, 1000)).toBe(5 * mib);
    expect(middle.equals(bytes.subarray(1000, 1000 + 5 * mib))).toBe(true);
    expect(await file.read(middle, 9 * mib)).toBe(5);
    expect(await file.read(Buffer.alloc(0), 0)).toBe(0);
    await file.truncate(9 * mib);
    expect(() => file.readSync(middle, 0)).toThrow(DiskError);
    await file.close();
    await file.close();
    expect((await contentOf(archiveDisk, `${folder}/7/a`)).equals(bytes.subarray(0, 9 * mib))).toBe(true);
    expect((await contentOf(disk, `${folder}/7/a`)).equals(bytes.subarray(0, 9 * mib))).toBe(true);
    await disk.rename(`${folder}/7/a`, `${folder}/b`);
    expect(await disk.list(folder)).toEqual(["7", "b"]);
    expect(await disk.stat(`${folder}/b`)).toMatchObject({ sizeBytes: 9 * mib, isDirectory: false });
    expect(await disk.stat(`${folder}/7/a`)).toBeNull();
    await disk.unlink(`${folder}/b`);
    expect(await disk.list(folder)).toEqual(["7"]);
    expect(await disk.space()).toEqual(await archiveDisk.space());
    expect(node.server.load().files).toBe(0);
  });

  it("takes direct writes from shared memory, and many calls on one file", async () => {
    await using node = await startNode();
    const disk = node.client().archiveDisk(node.driveId);
    await disk.makeDirectory(folder);
    const file = await disk.open(`${folder}/a`, { access: "create", isSynchronous: true, isDirect: true });
    const blocks = Array.from({ length: 40 }, (_, index) => {
      const block = alignedBuffer(4096);
      block.set(createSeededRandom(index).bytes(4096));
      return block;
    });
    const writes = blocks.map((block, index) => file.write(block, index * 4096));
    await file.close();
    await Promise.all(writes);
    expect((await contentOf(disk, `${folder}/a`)).equals(Buffer.concat(blocks))).toBe(true);
  });

  it("closes a file only when the calls on it have ended", async () => {
    const archiveDisk = createMemoryDisk();
    const order: string[] = [];
    const gate = Promise.withResolvers<void>();
    const open = archiveDisk.open.bind(archiveDisk);
    archiveDisk.open = async (path, mode) => {
      const file = await open(path, mode);
      const [write, close] = [file.write.bind(file), file.close.bind(file)];
      file.write = async (data, positionBytes) => {
        order.push("write begins");
        await gate.promise;
        await write(data, positionBytes);
        order.push("write ends");
      };
      file.close = async () => {
        order.push("close");
        await close();
      };
      return file;
    };
    await using node = await startNode({ archiveDisk });
    const disk = node.client().archiveDisk(node.driveId);
    await disk.makeDirectory(folder);
    const file = await disk.open(`${folder}/a`, { access: "create" });
    const written = file.write(Buffer.from("abc"), 0);
    await until(() => order.length === 1);
    const closed = file.close();
    // A call behind it on the way: were it sent at once, the close would be there before this is answered.
    await disk.list(folder);
    expect(order).toEqual(["write begins"]);
    gate.resolve();
    await Promise.all([written, closed]);
    expect(order).toEqual(["write begins", "write ends", "close"]);
  });

  it("names why something cannot be done, as the disk does", async () => {
    const archiveDisk = faultyDisk(createMemoryDisk(), ({ operation }) =>
      operation === "fdatasync" ? { kind: "fail", code: "EIO" } : null,
    );
    await using node = await startNode({ archiveDisk });
    const disk = node.client().archiveDisk(node.driveId);
    await disk.makeDirectory(folder);
    const file = await disk.open(`${folder}/a`, { access: "create" });
    const failure = await failureOf(file.fdatasync());
    expect(failure).toBeInstanceOf(DiskError);
    expect(failure["code"]).toBe("EIO");
    const codeOf = async (attempt: Promise<unknown>): Promise<unknown> => (await failureOf(attempt))["code"];
    expect(await codeOf(disk.open(`${folder}/a`, { access: "create" }))).toBe("EEXIST");
    expect(await codeOf(disk.open(`${folder}/b`, { access: "read" }))).toBe("ENOENT");
    expect(await codeOf(disk.list(`${folder}/none`))).toBe("ENOENT");
    await file.close();
    expect(await codeOf(file.write(Buffer.alloc(1), 0))).toBe("EBADF");
    const other = node.client().archiveDisk(newId("drive", random));
    expect(await failureOf(other.space())).toMatchObject({ kind: "retry", reason: "DRIVE_OFFLINE" });
  });

  it("is all that other nodes reach of a drive", async () => {
    await using node = await startNode();
    const disk = node.client().archiveDisk(node.driveId);
    await disk.makeDirectory(`${folder}/x`);
    for (const path of [
      ".",
      "",
      ".kakera",
      ".kakera/identity",
      ".kakera/archived",
      `${folder}/../identity`,
      `${folder}/./a`,
      `${folder}//a`,
      `/${folder}`,
      `${folder}/a\0b`,
    ]) {
      const attempts = [
        disk.open(path, { access: "create" }),
        disk.rename(`${folder}/x`, path),
        disk.rename(path, `${folder}/y`),
        disk.unlink(path),
        disk.makeDirectory(path),
        disk.list(path),
        disk.stat(path),
        ...(["", ".", ".kakera"].includes(path) ? [] : [disk.syncDirectory(path)]),
      ];
      for (const attempt of attempts) expect(await failureOf(attempt)).toMatchObject({ code: "EACCES" });
    }
    expect(await disk.list(folder)).toEqual(["x"]);
  });

  it("closes files that a process left behind, and no other process may use them", async () => {
    await using node = await startNode({ server: { filesMax: 2, peerGraceMs: 1 } });
    const leaving = node.client();
    const disk = leaving.archiveDisk(node.driveId);
    await disk.makeDirectory(folder);
    await disk.open(`${folder}/a`, { access: "create" });
    await disk.open(`${folder}/b`, { access: "create" });
    const staying = node.client().archiveDisk(node.driveId);
    expect(await failureOf(staying.open(`${folder}/a`, { access: "read" }))).toMatchObject({ kind: "retry" });
    leaving.close();
    await until(() => node.server.load().files === 0);
    expect((await contentOf(staying, `${folder}/a`)).byteLength).toBe(0);
  });
});
