import { createMemoryDisk, faultyDisk } from "@kakera/disk";
import { MIB, type Disk, type Failpoints } from "@kakera/kernel";
import { describe, expect, it } from "vitest";
import { createMemoryStore, type Drive } from "../src/index.ts";
import { keyKind } from "../src/index/index-keys.ts";
import { BatchMarks } from "../src/segment/batch-marks.ts";
import { pendingTombstone } from "../src/segment/pending-record.ts";
import { format, formattedDisk, keptStore, makeShard, openTestDrive, readVerified, refOf } from "./drive-kit.ts";

const manual = { settings: { compaction: "manual", segmentSizeBytes: 64 * 1024 } } as const;

/** Writes until the segment that is being written has been sealed. */
async function fillSegment(drive: Drive, disk: Disk): Promise<void> {
  const before = (await disk.list("segments")).length;
  while ((await disk.list("segments")).length <= before) await drive.put(makeShard({ sizeBytes: 8000 }));
}

async function restarted(disk: Disk): Promise<Drive> {
  return openTestDrive(disk, { ...manual, components: { index: createMemoryStore() } });
}

describe("a tombstone", () => {
  it("in a later segment still kills a record that compaction copied behind it (F23 a)", async () => {
    const disk = await formattedDisk();
    const drive = await openTestDrive(disk, manual);
    const [dead, garbage] = [makeShard(), Array.from({ length: 12 }, () => makeShard({ sizeBytes: 4000 }))];
    await drive.put(dead);
    await Promise.all(garbage.map((shard) => drive.put(shard)));
    await fillSegment(drive, disk);
    await drive.remove(garbage.map(refOf));
    // The record is copied into a newer segment, and only then removed.
    await drive.compact();
    await drive.remove([refOf(dead)]);
    await fillSegment(drive, disk);
    await drive.compact();
    expect(await readVerified(drive, refOf(dead))).toBeNull();
    expect(await readVerified(await restarted(disk), refOf(dead))).toBeNull();
  });

  it("is kept while an older segment holds a record that it kills, and dropped when none does", async () => {
    const disk = await formattedDisk();
    const drive = await openTestDrive(disk, manual);
    const shard = makeShard();
    await drive.put(shard);
    // The first segment stays almost wholly live, so that compaction leaves it alone.
    await fillSegment(drive, disk);
    const rest = Array.from({ length: 14 }, () => makeShard({ sizeBytes: 4000 }));
    await Promise.all([drive.remove([refOf(shard)]), ...rest.map((one) => drive.put(one))]);
    await fillSegment(drive, disk);
    await drive.remove(rest.map(refOf));
    await fillSegment(drive, disk);
    const first = (await disk.list("segments"))[0]!;
    await drive.compact();
    // The tombstone's segment was compacted, the record's was not.
    expect((await disk.list("segments"))[0]).toBe(first);
    const again = await restarted(disk);
    expect(await readVerified(again, refOf(shard))).toBeNull();
    expect(again.status().shardCount).toBe(drive.status().shardCount);
  });

  it("is kept until the last of several dead records of its shard is gone", async () => {
    const disk = await formattedDisk();
    const drive = await openTestDrive(disk, manual);
    const shard = makeShard();
    const garbage = Array.from({ length: 3 }, () => Array.from({ length: 12 }, () => makeShard({ sizeBytes: 4000 })));
    // One record in a segment that stays, one in a segment that goes, and the tombstone in a third, that goes as well.
    await drive.put(shard);
    await fillSegment(drive, disk);
    await Promise.all([drive.put(shard), ...garbage[0]!.map((one) => drive.put(one))]);
    await fillSegment(drive, disk);
    await Promise.all([drive.remove([refOf(shard)]), ...garbage[1]!.map((one) => drive.put(one))]);
    await fillSegment(drive, disk);
    await drive.remove(garbage[0]!.map(refOf));
    await drive.compact();
    await drive.remove(garbage[1]!.map(refOf));
    await fillSegment(drive, disk);
    await drive.compact();
    expect(await readVerified(await restarted(disk), refOf(shard))).toBeNull();
  });

  it("is garbage as soon as nothing is left that it could kill, and goes with the next compaction", async () => {
    const disk = await formattedDisk();
    const store = keptStore();
    const drive = await openTestDrive(disk, { ...manual, components: { index: store } });
    const shards = Array.from({ length: 40 }, (_, at) => makeShard({ sizeBytes: at === 0 ? MIB : 4000 }));
    for (const shard of shards) await drive.put(shard);
    await drive.remove(shards.map(refOf));
    await drive.settled();
    for (let round = 0; round < 3; round++) {
      await fillSegment(drive, disk);
      await drive.compact();
    }
    const left = (kind: number): number => store.range(Buffer.of(kind), Buffer.of(kind + 1), 100).length;
    expect([left(keyKind.tomb), left(keyKind.dead), left(keyKind.leaving)]).toEqual([0, 0, 0]);
    expect(drive.status().garbageBytes).toBe(0);
    const again = await restarted(disk);
    for (const shard of shards) expect(await readVerified(again, refOf(shard), MIB)).toBeNull();
  });

  it("of a batch kills what is newest there, though copies of older records and tombstones travel along", () => {
    const shard = makeShard();
    const ref = refOf(shard);
    const marks = (live: number | null) => new BatchMarks([pendingTombstone(ref)], () => live);
    const afterOldTombstone = marks(80);
    afterOldTombstone.noteTombstone(ref, 41);
    expect(afterOldTombstone.killedBy(ref)).toBe(80);
    const afterOldCopy = marks(80);
    afterOldCopy.noteShard(ref, 41);
    expect(afterOldCopy.killedBy(ref)).toBe(80);
    const afterPut = marks(null);
    afterPut.noteShard(ref, 90);
    expect(afterPut.killedBy(ref)).toBe(90);
    afterPut.noteTombstone(ref, 90);
    expect(afterPut.killedBy(ref)).toBeNull();
    expect(marks(null).killedBy(ref)).toBeNull();
  });

  it("does not kill what repair writes later, over any number of restarts and compactions", async () => {
    const disk = await formattedDisk();
    let drive = await openTestDrive(disk, manual);
    const shard = makeShard();
    for (let round = 0; round < 6; round++) {
      await drive.put(shard);
      await fillSegment(drive, disk);
      await drive.remove([refOf(shard)]);
      await fillSegment(drive, disk);
      await drive.put(shard);
      await drive.compact();
      expect(await readVerified(drive, refOf(shard))).toEqual(shard.payload);
      if (round % 2 === 0) await drive.close();
      drive = await restarted(disk);
      expect(await readVerified(drive, refOf(shard))).toEqual(shard.payload);
    }
  });

  it("is durable before the file of its shard is unlinked", async () => {
    const inner = await formattedDisk();
    const calls: string[] = [];
    const disk = faultyDisk(inner, (call) => {
      if (call.operation === "write" && call.path.startsWith("segments/")) calls.push("tombstone");
      if (call.operation === "unlink" && call.path.startsWith("shards/")) calls.push("unlink");
      if (call.operation === "syncDirectory" && call.path.startsWith("shards/")) calls.push("sync");
      return null;
    });
    const drive = await openTestDrive(disk);
    const shard = makeShard({ sizeBytes: MIB });
    await drive.put(shard);
    calls.length = 0;
    await drive.remove([refOf(shard)]);
    await drive.settled();
    expect(calls.slice(-3)).toEqual(["tombstone", "unlink", "sync"]);
  });

  it("finishes its work after a crash between it and the unlinking", async () => {
    const disk = await formattedDisk();
    let isDead = false;
    const failpoints: Failpoints = {
      hit: (name) => {
        if (name === "tombstone.before-unlink") isDead = true;
      },
    };
    const drive = await openTestDrive(
      faultyDisk(disk, () => (isDead ? { kind: "fail", code: "EIO" } : null)),
      { components: { failpoints } },
    );
    const shard = makeShard({ sizeBytes: MIB });
    await drive.put(shard);
    await drive.remove([refOf(shard)]);
    await drive.settled();
    expect((await disk.list(`shards/${shard.identity.dataId.slice(0, 2)}`)).length).toBe(1);
    const again = await openTestDrive(disk);
    await again.settled();
    expect(await readVerified(again, refOf(shard))).toBeNull();
    expect((await disk.list(`shards/${shard.identity.dataId.slice(0, 2)}`)).length).toBe(0);
  });
});

describe("a removal", () => {
  it("of more shards than may wait at one time is done in slices", async () => {
    const drive = await openTestDrive(await formattedDisk(), { settings: { queuedRecordsMax: 1024 } });
    const shards = Array.from({ length: 2500 }, () => makeShard({ sizeBytes: 1 }));
    for (let at = 0; at < shards.length; at += 1000)
      await Promise.all(shards.slice(at, at + 1000).map((shard) => drive.put(shard)));
    await drive.remove(shards.map(refOf));
    expect(drive.status().shardCount).toBe(0);
  });
});

describe("compaction", () => {
  it("takes a live record that the medium has lost for damaged, and not the drive for failed", async () => {
    const inner = await formattedDisk();
    let isLost = false;
    const disk = faultyDisk(inner, (call) =>
      isLost && call.operation === "read" && call.positionBytes === 4096 + 64 ? { kind: "fail", code: "EIO" } : null,
    );
    const drive = await openTestDrive(disk, manual);
    const shards = Array.from({ length: 12 }, () => makeShard({ sizeBytes: 4000 }));
    await Promise.all(shards.map((shard) => drive.put(shard)));
    await fillSegment(drive, inner);
    await drive.remove(shards.slice(2).map(refOf));
    isLost = true;
    await drive.compact();
    expect(drive.status().condition).toBe("online");
    expect(await readVerified(drive, refOf(shards[1]!))).toEqual(shards[1]!.payload);
    isLost = false;
    expect(await readVerified(drive, refOf(shards[0]!))).toEqual(shards[0]!.payload);
  });

  it("gives back the space of removed shards and keeps every other shard", async () => {
    const disk = createMemoryDisk({ totalBytes: 64 * MIB });
    await format(disk);
    const drive = await openTestDrive(disk, manual);
    const shards = Array.from({ length: 200 }, () => makeShard({ sizeBytes: 4000 }));
    for (let at = 0; at < 200; at += 10) await Promise.all(shards.slice(at, at + 10).map((shard) => drive.put(shard)));
    const used = async (): Promise<number> => 64 * MIB - (await disk.space()).freeBytes;
    const before = await used();
    await drive.remove(shards.filter((_, at) => at % 5 !== 0).map(refOf));
    await drive.compact();
    expect(await used()).toBeLessThan(before * 0.5);
    expect(drive.status().garbageBytes).toBeLessThan(before * 0.3);
    for (const [at, shard] of shards.entries()) {
      expect(await readVerified(drive, refOf(shard))).toEqual(at % 5 === 0 ? shard.payload : null);
    }
    const again = await restarted(disk);
    for (const [at, shard] of shards.entries()) {
      expect(await readVerified(again, refOf(shard))).toEqual(at % 5 === 0 ? shard.payload : null);
    }
  });

  it("copies, unlinks and syncs the folder, in this order", async () => {
    const inner = await formattedDisk();
    const calls: string[] = [];
    const disk = faultyDisk(inner, (call) => {
      if (["write", "unlink", "syncDirectory"].includes(call.operation)) calls.push(call.operation);
      return null;
    });
    const drive = await openTestDrive(disk, manual);
    const shards = Array.from({ length: 12 }, () => makeShard({ sizeBytes: 4000 }));
    await Promise.all(shards.map((shard) => drive.put(shard)));
    await fillSegment(drive, inner);
    await drive.remove(shards.slice(1).map(refOf));
    calls.length = 0;
    await drive.compact();
    expect(calls).toEqual(["write", "unlink", "syncDirectory"]);
  });

  it("leaves a segment to a reader that has it open", async () => {
    const inner = await formattedDisk();
    let held: Promise<void> | null = null;
    const disk = faultyDisk(inner, (call) =>
      call.operation === "read" && held !== null ? { kind: "hang", until: held } : null,
    );
    const drive = await openTestDrive(disk, manual);
    const kept = makeShard({ sizeBytes: 4000 });
    const garbage = Array.from({ length: 12 }, () => makeShard({ sizeBytes: 4000 }));
    await Promise.all([drive.put(kept), ...garbage.map((shard) => drive.put(shard))]);
    await fillSegment(drive, inner);
    const first = (await inner.list("segments"))[0]!;
    await readVerified(drive, refOf(kept));
    let release = (): void => {};
    held = new Promise((resolve) => (release = resolve));
    const reading = readVerified(drive, refOf(kept));
    await Promise.resolve();
    held = null;
    await drive.remove(garbage.map(refOf));
    await drive.compact();
    expect(await inner.list("segments")).not.toContain(first);
    release();
    expect(await reading).toEqual(kept.payload);
    expect(await readVerified(drive, refOf(kept))).toEqual(kept.payload);
  });

  it.each(["compaction.before-index", "compaction.before-unlink"])(
    "loses nothing when the process dies at %s",
    async (name) => {
      const disk = await formattedDisk();
      let isDead = false;
      const failpoints: Failpoints = {
        hit: (at) => {
          if (at !== name) return;
          isDead = true;
          throw new Error("the process is dead");
        },
      };
      const dying = faultyDisk(disk, () => (isDead ? { kind: "fail", code: "EIO" } : null));
      const drive = await openTestDrive(dying, { ...manual, components: { failpoints } });
      const shards = Array.from({ length: 30 }, () => makeShard({ sizeBytes: 4000 }));
      await Promise.all(shards.map((shard) => drive.put(shard)));
      await fillSegment(drive, disk);
      await drive.remove(shards.slice(0, 20).map(refOf));
      await drive.compact();
      expect(isDead).toBe(true);
      const again = await openTestDrive(disk, manual);
      await again.compact();
      for (const [at, shard] of shards.entries())
        expect(await readVerified(again, refOf(shard))).toEqual(at < 20 ? null : shard.payload);
    },
  );

  it("keeps a segment in which a live record is damaged until the record was written again", async () => {
    const disk = await formattedDisk();
    const drive = await openTestDrive(disk, manual);
    const shards = Array.from({ length: 12 }, () => makeShard({ sizeBytes: 4000 }));
    await Promise.all(shards.map((shard) => drive.put(shard)));
    await fillSegment(drive, disk);
    const first = `segments/${(await disk.list("segments"))[0]!}`;
    const file = await disk.open(first, { access: "write" });
    const bytes = Buffer.alloc(await file.sizeBytes());
    await file.read(bytes, 0);
    await file.write(Buffer.of(0xaa), bytes.indexOf(Buffer.from(shards[0]!.identity.dataId, "hex")) + 2);
    await drive.remove(shards.slice(2).map(refOf));
    await drive.compact();
    expect(await disk.stat(first)).not.toBeNull();
    expect(await readVerified(drive, refOf(shards[1]!))).toEqual(shards[1]!.payload);
    await drive.put(shards[0]!);
    await drive.compact();
    expect(await disk.stat(first)).toBeNull();
    for (const shard of shards.slice(0, 2)) expect(await readVerified(drive, refOf(shard))).toEqual(shard.payload);
  });

  it("joins the small segments that restarts leave behind", async () => {
    const disk = await formattedDisk();
    const shards = Array.from({ length: 20 }, () => makeShard({ sizeBytes: 2000 }));
    for (const shard of shards) {
      const drive = await openTestDrive(disk);
      await drive.put(shard);
      await drive.settled();
      await drive.close();
    }
    const drive = await openTestDrive(disk);
    await drive.settled();
    expect((await disk.list("segments")).length).toBeLessThanOrEqual(10);
    for (const shard of shards) expect(await readVerified(drive, refOf(shard))).toEqual(shard.payload);
  });
});
