import { describe, expect, test } from "vitest";
import { createSeededRandom, DiskError, type Disk } from "@kakera/kernel";
import { faultyDisk } from "@kakera/disk";
import { ArchiveDamage, readArchive, type ArchiveReading } from "../src/index.ts";
import { ArchiveDrives, restored } from "./archive-drives.ts";
import { FollowedLog } from "./followed-log.ts";

const epochFolder = ".kakera/archive/epoch-0000000000000001";

/** Two drives with two checkpoints, groups between and behind them. */
async function written(): Promise<{ drives: ArchiveDrives; log: FollowedLog; files: string[] }> {
  const drives = new ArchiveDrives(2);
  const log = new FollowedLog(createSeededRandom(3));
  for (let count = 0; count < 5; count++) log.commit();
  const archive = await drives.open({ epoch: 1, logId: log.logId });
  await archive.checkpoint(log.view);
  for (const isLast of [false, true]) {
    for (let count = 0; count < 6; count++) {
      await archive.take(log.commit(100));
      if (count % 2 === 1) await drives.published(archive, log.at(log.batches.length));
    }
    if (!isLast) await archive.checkpoint(log.view);
  }
  await archive.close();
  const names = await (drives.disks[0] as Disk).list(epochFolder);
  return { drives, log, files: names.filter((name) => !name.startsWith("spare")) };
}

async function flip(disk: Disk, name: string, at: number): Promise<void> {
  const file = await disk.open(`${epochFolder}/${name}`, { access: "write" });
  const byte = Buffer.alloc(1);
  await file.read(byte, at);
  await file.write(Buffer.of((byte[0] as number) ^ 0x20), at);
  await file.close();
}

async function sizeOf(disk: Disk, name: string): Promise<number> {
  return (await disk.stat(`${epochFolder}/${name}`))?.sizeBytes ?? 0;
}

describe("an archive that is damaged", () => {
  test("on one drive, anywhere, gives back everything", async () => {
    const { drives, log, files } = await written();
    const end = log.batches.length;
    for (const name of files) {
      const sizeBytes = await sizeOf(drives.disks[0] as Disk, name);
      for (let at = 13; at < sizeBytes; at += 151) {
        await flip(drives.disks[0] as Disk, name, at);
        const reading = await drives.read();
        expect(reading.position).toEqual(log.at(end));
        expect(await restored(reading)).toBe(log.stateAt(end));
        await flip(drives.disks[0] as Disk, name, at);
      }
    }
  });

  test("on all drives, says so and names drive and file, but for an end that may be torn", async () => {
    const { drives, log, files } = await written();
    const end = log.batches.length;
    const outcomes = new Set<string>();
    for (const name of files) {
      const sizeBytes = await sizeOf(drives.disks[0] as Disk, name);
      for (let at = 13; at < sizeBytes; at += 151) {
        for (const disk of drives.disks) await flip(disk, name, at);
        try {
          const reading = await drives.read();
          const sequence = reading.position?.sequence ?? 0;
          expect(await restored(reading)).toBe(log.stateAt(sequence));
          // The last group's two batches.
          expect([end, end - 2]).toContain(sequence);
          outcomes.add(sequence === end ? "everything" : "all but the end");
        } catch (error) {
          expect(error).toBeInstanceOf(ArchiveDamage);
          const { driveId, file } = error as ArchiveDamage;
          expect(drives.driveIds).toContain(driveId);
          expect(file.startsWith(`${epochFolder}/`)).toBe(true);
          outcomes.add("damage");
        }
        for (const disk of drives.disks) await flip(disk, name, at);
      }
    }
    expect([...outcomes].sort()).toEqual(["all but the end", "damage", "everything"]);
  });

  test("gives what is proven when that is asked for", async () => {
    const { drives, log, files } = await written();
    const places = drives.driveIds.map((_, index) => drives.place(index));
    // A file holds four groups: this is the second one behind the newest checkpoint, and the last but one.
    for (const disk of drives.disks) await flip(disk, files[1] as string, 300);
    await expect(drives.read()).rejects.toBeInstanceOf(ArchiveDamage);
    const { clusterId } = drives;
    const reading = await readArchive(places, { clusterId, accept: "what-is-proven" });
    const sequence = reading.position?.sequence as number;
    expect(sequence).toBeLessThan(log.batches.length);
    expect(await restored(reading)).toBe(log.stateAt(sequence));
  });

  test("whose files are missing on one drive gives back everything", async () => {
    const { drives, log, files } = await written();
    for (const name of files) {
      await (drives.disks[1] as Disk).unlink(`${epochFolder}/${name}`);
      expect(await restored(await drives.read())).toBe(log.stateAt(log.batches.length));
    }
  });

  test("is read past a drive that cannot be, and that drive is named", async () => {
    const { drives, log } = await written();
    const dead = faultyDisk(drives.disks[0] as Disk, () => ({ kind: "fail", code: "EIO" }));
    const reading = await drives.read({ disks: [dead, drives.disks[1] as Disk] });
    expect(await restored(reading)).toBe(log.stateAt(log.batches.length));
    expect(reading.witnesses[0]?.failure).toBeInstanceOf(DiskError);
    expect(reading.witnesses[1]).toEqual({
      driveId: drives.driveIds[1],
      position: log.at(log.batches.length),
      failure: null,
    });
    await expect(drives.read({ indexes: [0], disks: [dead] })).rejects.toMatchObject({ driveId: drives.driveIds[0] });
  });

  test("is read past single blocks that a drive cannot read", async () => {
    const { drives, log } = await written();
    let reading: ArchiveReading | null = null;
    for (const operation of ["read", "open"] as const) {
      const bad = faultyDisk(drives.disks[0] as Disk, (call) =>
        call.operation === operation && call.path.includes("batches-") ? { kind: "fail", code: "EIO" } : null,
      );
      reading = await drives.read({ disks: [bad, drives.disks[1] as Disk] });
      expect(await restored(reading)).toBe(log.stateAt(log.batches.length));
    }
  });
});
