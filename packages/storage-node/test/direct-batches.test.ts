import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMemoryDisk, createNodeDisk } from "@kakera/disk";
import { isAligned, KIB, type Disk } from "@kakera/kernel";
import { afterEach, describe, expect, it } from "vitest";
import { createMemoryStore } from "../src/index.ts";
import { format, makeShard, openTestDrive, readVerified, refOf } from "./drive-kit.ts";

const folders: string[] = [];
afterEach(() => folders.splice(0).forEach((folder) => rmSync(folder, { recursive: true, force: true })));

function newDisk(): Disk {
  const folder = mkdtempSync(join(tmpdir(), "kakera-direct-"));
  folders.push(folder);
  return createNodeDisk(folder);
}

interface SegmentWrite {
  readonly isDirect: boolean;
  readonly isSynchronous: boolean;
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** A disk on which the writes into segments are seen, with how their file was opened, and which of those files are open. */
function watched(inner: Disk): { readonly disk: Disk; readonly writes: SegmentWrite[]; readonly open: Set<object> } {
  const writes: SegmentWrite[] = [];
  const open = new Set<object>();
  const disk: Disk = {
    ...Object.fromEntries(
      (["rename", "unlink", "makeDirectory", "syncDirectory", "list", "stat", "space"] as const).map((name) => [
        name,
        inner[name].bind(inner),
      ]),
    ),
    open: async (path, mode) => {
      const file = await inner.open(path, mode);
      if (!path.startsWith("segments/") || mode.access === "read") return file;
      const { isDirect = false, isSynchronous = false } = mode;
      open.add(file);
      return Object.assign(Object.create(file) as typeof file, {
        read: file.read.bind(file),
        write: (bytes: Uint8Array, at: number) => {
          writes.push({ isDirect, isSynchronous, at, bytes });
          return file.write(bytes, at);
        },
        truncate: file.truncate.bind(file),
        fdatasync: file.fdatasync.bind(file),
        sizeBytes: file.sizeBytes.bind(file),
        close: () => {
          open.delete(file);
          return file.close();
        },
      });
    },
  } as Disk;
  return { disk, writes, open };
}

const large = 100 * KIB;
const settings = { directBytesMin: 256 * KIB, segmentSizeBytes: 4 << 20 };

describe("a group commit", () => {
  it("goes past the page cache when it is large, and through it when it is small", async () => {
    const { disk, writes } = watched(createMemoryDisk());
    await format(disk);
    const drive = await openTestDrive(disk, { settings });
    await drive.put(makeShard({ sizeBytes: large }));
    expect(writes.map((write) => write.isDirect)).not.toContain(true);
    writes.length = 0;
    await Promise.all([1, 2, 3, 4].map(() => drive.put(makeShard({ sizeBytes: large }))));
    await drive.put(makeShard({ sizeBytes: large }));
    expect(writes.map((write) => write.isDirect)).toEqual([true, false]);
    for (const { isSynchronous, isDirect, at, bytes } of writes) {
      expect(isSynchronous).toBe(true);
      if (isDirect) expect([at % 4096, bytes.byteLength % 4096, isAligned(bytes)]).toEqual([0, 0, true]);
    }
  });

  it("is read back byte for byte, whichever way it went, by this process and the next, on a real disk", async () => {
    const disk = newDisk();
    await format(disk);
    const shards = Array.from({ length: 60 }, (_, at) => makeShard({ sizeBytes: at % 3 === 0 ? 500 : large + at }));
    const drive = await openTestDrive(disk, { settings });
    for (let at = 0; at < shards.length; at += 12) {
      await Promise.all(shards.slice(at, at + 9).map((shard) => drive.put(shard)));
      for (const shard of shards.slice(at + 9, at + 12)) await drive.put(shard);
      // What was just written is read before the next batch lies beside it.
      for (const shard of shards.slice(0, at + 12))
        expect(await readVerified(drive, refOf(shard))).toEqual(shard.payload);
    }
    await drive.close();
    const again = await openTestDrive(disk, { settings, components: { index: createMemoryStore() } });
    for (const shard of shards) expect(await readVerified(again, refOf(shard))).toEqual(shard.payload);
    await again.close();
  });

  it("that went past the page cache is at hand only once it was read", async () => {
    const disk = createMemoryDisk();
    await format(disk);
    const drive = await openTestDrive(disk, { settings: { ...settings, directBytesMin: 8 * KIB } });
    const [small, big] = [makeShard({ sizeBytes: 1000 }), makeShard({ sizeBytes: 60 * KIB })];
    await drive.put(small);
    await drive.put(big);
    const into = Buffer.alloc(64 * KIB);
    const window = { offsetBytes: 0, lengthBytes: 64 * KIB };
    expect(drive.readNow!(refOf(small), window, into)).toMatchObject({ lengthBytes: 1000 });
    expect(drive.readNow!(refOf(big), window, into)).toBeUndefined();
    await readVerified(drive, refOf(big));
    expect(drive.readNow!(refOf(big), window, into)).toMatchObject({ lengthBytes: 60 * KIB });
  });

  it("leaves no file of its segment open behind", async () => {
    const { disk, open } = watched(createMemoryDisk());
    await format(disk);
    const drive = await openTestDrive(disk, { settings: { ...settings, segmentSizeBytes: 600 * KIB } });
    for (let round = 0; round < 5; round++) {
      await Promise.all([1, 2, 3, 4].map(() => drive.put(makeShard({ sizeBytes: large }))));
    }
    expect(open.size).toBeLessThanOrEqual(2);
    await drive.close();
    expect(open.size).toBe(0);
  });
});
