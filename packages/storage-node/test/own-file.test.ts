import { createMemoryDisk, faultyDisk, type DiskCall } from "@kakera/disk";
import { MIB, type Disk, type Failpoints } from "@kakera/kernel";
import type { ShardWrite } from "@kakera/rpc";
import { describe, expect, it } from "vitest";
import { createMemoryStore, failpointNames, type Drive } from "../src/index.ts";
import { format, formattedDisk, keptStore, makeShard, openTestDrive, readVerified, refOf } from "./drive-kit.ts";

/** Writes the shard in pieces of so many bytes, each in memory that O_DIRECT takes. */
async function stream(drive: Drive, shard: ShardWrite, pieceBytes: number): Promise<void> {
  const writer = await drive.begin(shard.identity);
  const memory = new WebAssembly.Memory({ initial: 64, maximum: 64, shared: true });
  for (let at = 0; at < shard.payload.byteLength; at += pieceBytes) {
    const piece = shard.payload.subarray(at, at + pieceBytes);
    const inMemory = Buffer.from(memory.buffer, 0, piece.byteLength);
    inMemory.set(piece);
    const sums = Buffer.from(
      shard.blockChecksums.subarray((at / 65_536) * 8, ((at + piece.byteLength + 65_535) >> 16) * 8),
    );
    await writer.append(inMemory, sums);
    // The buffers are the caller's again.
    inMemory.fill(0xee);
    sums.fill(0xee);
  }
  expect(await writer.finish(shard)).toEqual({ driveId: drive.driveId, epoch: shard.identity.epoch });
}

async function ownFiles(disk: Disk): Promise<string[]> {
  const folders = await disk.list("shards");
  return (await Promise.all(folders.map((folder) => disk.list(`shards/${folder}`)))).flat();
}

describe("a shard in a file of its own", () => {
  it.each([
    [1, 65_536],
    [4096, 65_536],
    [65_536 * 3, 65_536],
    [MIB, 4 * MIB],
    [2 * MIB + 5000, MIB],
    [3 * MIB + 1, 256 * 1024],
    [3 * MIB + 77_777, 3 * 65_536],
  ])("of %i bytes, written in pieces of %i, is read back, also after a restart", async (sizeBytes, pieceBytes) => {
    const disk = await formattedDisk();
    const drive = await openTestDrive(disk);
    const shard = makeShard({ sizeBytes });
    await stream(drive, shard, pieceBytes);
    expect(((await readVerified(drive, refOf(shard), 4 * MIB)) as Buffer).equals(shard.payload)).toBe(true);
    expect(await drive.describe(refOf(shard))).toMatchObject({
      shardSizeBytes: sizeBytes,
      chunkSizeBytes: 2 * sizeBytes,
    });
    expect(await disk.list("tmp")).toEqual([]);
    await drive.close();
    const again = await openTestDrive(disk);
    expect(((await readVerified(again, refOf(shard), 4 * MIB)) as Buffer).equals(shard.payload)).toBe(true);
    expect(again.status().shardCount).toBe(1);
  });

  it("is read from its middle, with the checksums that belong there", async () => {
    const drive = await openTestDrive(await formattedDisk());
    const shard = makeShard({ sizeBytes: 2 * MIB + 100 });
    await stream(drive, shard, MIB);
    for (const offsetBytes of [0, 65_536, MIB, 2 * MIB]) {
      const into = Buffer.alloc(131_072);
      const window = await drive.read(refOf(shard), { offsetBytes, lengthBytes: 131_072 }, into);
      const wanted = shard.payload.subarray(offsetBytes, offsetBytes + 131_072);
      expect(into.subarray(0, window!.lengthBytes).equals(wanted)).toBe(true);
      const block = offsetBytes / 65_536;
      expect(window!.blockChecksums.equals(shard.blockChecksums.subarray(block * 8, (block + 2) * 8))).toBe(true);
    }
  });

  it("is written in whole, aligned blocks, and large pieces in one write each", async () => {
    const inner = createMemoryDisk();
    await format(inner);
    const writes: DiskCall[] = [];
    const disk = faultyDisk(inner, (call) => {
      if (call.operation === "write" && call.path.startsWith("tmp/")) writes.push(call);
      return null;
    });
    const drive = await openTestDrive(disk);
    await stream(drive, makeShard({ sizeBytes: 3 * MIB + 5000 }), MIB);
    for (const { positionBytes, lengthBytes } of writes)
      expect([positionBytes % 4096, lengthBytes % 4096]).toEqual([0, 0]);
    expect(writes.map((call) => call.lengthBytes)).toEqual([MIB, MIB, MIB, 12_288, 4096]);
  });

  it("is what `put` makes of a shard of 1 MiB", async () => {
    const disk = await formattedDisk();
    const drive = await openTestDrive(disk);
    const [large, small] = [makeShard({ sizeBytes: MIB }), makeShard({ sizeBytes: MIB - 1 })];
    await Promise.all([drive.put(large), drive.put(small)]);
    expect(await ownFiles(disk)).toHaveLength(1);
    for (const shard of [large, small])
      expect(((await readVerified(drive, refOf(shard), MIB)) as Buffer).equals(shard.payload)).toBe(true);
  });

  it("leaves nothing when it is aborted", async () => {
    const disk = await formattedDisk();
    const drive = await openTestDrive(disk);
    const shard = makeShard({ sizeBytes: 2 * MIB });
    const writer = await drive.begin(shard.identity);
    await writer.append(shard.payload, shard.blockChecksums);
    await writer.abort();
    expect(await disk.list("tmp")).toEqual([]);
    expect(await ownFiles(disk)).toEqual([]);
    expect(await readVerified(drive, refOf(shard))).toBeNull();
  });

  it("gives its space back when it is removed", async () => {
    const disk = await formattedDisk();
    const drive = await openTestDrive(disk);
    const before = (await disk.space()).freeBytes;
    const shard = makeShard({ sizeBytes: 3 * MIB });
    await stream(drive, shard, MIB);
    expect((await disk.space()).freeBytes).toBeLessThan(before - 3 * MIB);
    await drive.remove([refOf(shard)]);
    await drive.settled();
    expect(await ownFiles(disk)).toEqual([]);
    expect((await disk.space()).freeBytes).toBeGreaterThan(before - 64 * 1024);
  });

  it("that is written again takes the place of the old one, whose file goes", async () => {
    const disk = await formattedDisk();
    const drive = await openTestDrive(disk);
    const shard = makeShard({ sizeBytes: MIB });
    await drive.put(shard);
    await drive.put(shard);
    await drive.settled();
    expect(await ownFiles(disk)).toHaveLength(1);
    expect(((await readVerified(drive, refOf(shard), MIB)) as Buffer).equals(shard.payload)).toBe(true);
  });

  it("is durable before it has its name, and has its name, durably, before it is acknowledged", async () => {
    const inner = await formattedDisk();
    const calls: string[] = [];
    const disk = faultyDisk(inner, (call) => {
      const isOwn = call.path.startsWith("tmp") || call.path.startsWith("shards");
      if (isOwn && !["open", "close", "list"].includes(call.operation))
        calls.push(`${call.operation} ${call.path.replace(/[0-9a-f]{2}$/, "xx")}`);
      return null;
    });
    const drive = await openTestDrive(disk);
    calls.length = 0;
    await drive.put(makeShard({ sizeBytes: MIB }));
    expect(calls).toEqual([
      "write tmp/0",
      "write tmp/0",
      "write tmp/0",
      "fdatasync tmp/0",
      "makeDirectory shards/xx",
      "syncDirectory shards",
      "rename tmp/0",
      "syncDirectory shards/xx",
      "syncDirectory tmp",
    ]);
  });

  it("refuses more streams than its bound", async () => {
    const drive = await openTestDrive(await formattedDisk(), { settings: { ownFileStreamsMax: 2 } });
    const first = await drive.begin(makeShard().identity);
    await drive.begin(makeShard().identity);
    await expect(drive.begin(makeShard().identity)).rejects.toMatchObject({ kind: "retry" });
    await first.abort();
    await (await drive.begin(makeShard().identity)).abort();
  });

  it("whose file was taken away behind our back is missing here, and the drive is well", async () => {
    const disk = await formattedDisk();
    const drive = await openTestDrive(disk);
    const shard = makeShard({ sizeBytes: MIB });
    await drive.put(shard);
    await disk.unlink(`shards/${shard.identity.dataId.slice(0, 2)}/${(await ownFiles(disk))[0]}`);
    await expect(
      drive.read(refOf(shard), { offsetBytes: 0, lengthBytes: 100 }, Buffer.alloc(100)),
    ).rejects.toMatchObject({ kind: "repair" });
    expect(drive.status().condition).toBe("online");
  });

  it.each(["head", "tail"] as const)("with a damaged %s is refused", async (part) => {
    const disk = await formattedDisk();
    const drive = await openTestDrive(disk);
    const shard = makeShard({ sizeBytes: MIB });
    await drive.put(shard);
    const path = `shards/${shard.identity.dataId.slice(0, 2)}/${(await ownFiles(disk))[0]}`;
    const file = await disk.open(path, { access: "write" });
    await file.write(Buffer.of(0x55), part === "head" ? 60 : MIB + 4096 + 3);
    await expect(readVerified(drive, refOf(shard), MIB)).rejects.toMatchObject({
      kind: "repair",
      reason: "BITROT_FOUND",
    });
  });

  it.each(failpointNames.filter((name) => name.startsWith("own-file.")))(
    "is whole or absent, and leaves no file over, when the process dies at %s",
    async (name) => {
      const disk = await formattedDisk();
      const store = keptStore();
      let isDead = false;
      const failpoints: Failpoints = {
        hit: (at) => {
          if (at !== name) return;
          isDead = true;
          throw new Error("the process is dead");
        },
      };
      // From the moment of death on no call reaches the disk: the abort that a living process would do is not done.
      const dying = faultyDisk(disk, () => (isDead ? { kind: "fail", code: "EIO" } : null));
      const drive = await openTestDrive(dying, { components: { failpoints, index: store } });
      const shard = makeShard({ sizeBytes: MIB });
      await expect(drive.put(shard)).rejects.toThrow();
      // With the index that survived the kill, and with one that is made anew.
      for (const index of [store, createMemoryStore()]) {
        const again = await openTestDrive(disk, { components: { index } });
        await again.settled();
        const found = await readVerified(again, refOf(shard), MIB);
        expect(found === null || (found as Buffer).equals(shard.payload)).toBe(true);
        expect(found === null).toBe(name === "own-file.before-rename");
        expect(await ownFiles(disk)).toHaveLength(found === null ? 0 : 1);
        expect(await disk.list("tmp")).toEqual([]);
      }
    },
  );
});
