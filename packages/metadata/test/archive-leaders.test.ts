import { describe, expect, test } from "vitest";
import { faultyDisk } from "@kakera/disk";
import { AssertionFailure, createSeededRandom, type Disk } from "@kakera/kernel";
import { checkWitness, type Archive, type JournalPlace, type ViewPosition } from "../src/index.ts";
import { ArchiveDrives, restored } from "./archive-drives.ts";
import { FollowedLog } from "./followed-log.ts";

async function follow(archive: Archive, log: FollowedLog, count: number): Promise<void> {
  for (let nth = 0; nth < count; nth++) await archive.take(log.commit());
}

async function begun(driveCount = 2): Promise<{ drives: ArchiveDrives; log: FollowedLog; archive: Archive }> {
  const drives = new ArchiveDrives(driveCount);
  const log = new FollowedLog(createSeededRandom(1));
  for (let count = 0; count < 5; count++) log.commit();
  const archive = await drives.open({ epoch: 1, logId: log.logId });
  await archive.checkpoint(log.view);
  return { drives, log, archive };
}

describe("what an archive takes", () => {
  test("has no gap, is in order, and of one lineage", async () => {
    const { log, archive } = await begun();
    const [next, afterNext] = [log.commit(), log.commit()];
    await expect(archive.take(afterNext)).rejects.toBeInstanceOf(AssertionFailure);
    await archive.take(next);
    await expect(archive.take(next)).rejects.toBeInstanceOf(AssertionFailure);
    await archive.take(afterNext);
    const other = log.fork(createSeededRandom(9), 6);
    other.commit();
    await expect(archive.checkpoint(other.view)).rejects.toBeInstanceOf(AssertionFailure);
  });

  test("needs a checkpoint before it", async () => {
    const drives = new ArchiveDrives(2);
    const log = new FollowedLog(createSeededRandom(1));
    const archive = await drives.open({ epoch: 1, logId: log.logId });
    await expect(archive.take(log.commit())).rejects.toBeInstanceOf(AssertionFailure);
  });

  test("waits for room while the drives write", async () => {
    const { drives, log, archive } = await begun();
    let release = (): void => {};
    const until = new Promise<void>((resolve) => (release = resolve));
    const { disks } = drives;
    const stuck = await drives.open({
      epoch: 2,
      logId: log.logId,
      places: disks.map((disk, index) =>
        drives.place(
          index,
          faultyDisk(disk, ({ operation, path }) =>
            operation === "write" && path.includes("batches") && isStuck ? { kind: "hang", until } : null,
          ),
        ),
      ),
    });
    let isStuck = true;
    let takenCount = 0;
    const done = (async () => {
      for (let nth = 0; nth < 200; nth++) {
        await stuck.take(log.commit());
        takenCount++;
      }
    })();
    for (let turn = 0; turn < 5000; turn++) await Promise.resolve();
    expect(takenCount).toBeLessThan(100);
    isStuck = false;
    release();
    await done;
    await stuck.close();
    expect(await restored(await drives.read())).toBe(log.stateAt(log.batches.length));
    await archive.close();
  });

  test("may go on from a view that is further on, when a checkpoint of it is written", async () => {
    const { drives, log, archive } = await begun();
    await follow(archive, log, 4);
    await drives.published(archive, log.at(9));
    for (let count = 0; count < 10; count++) log.commit();
    const done = archive.checkpoint(log.view);
    expect(archive.wanted).toEqual(log.at(19));
    await follow(archive, log, 3);
    await drives.until(() => (archive.published?.sequence ?? 0) >= 19);
    await done;
    await archive.close();
    const reading = await drives.read();
    expect(reading.position).toEqual(log.at(22));
    expect(await restored(reading)).toBe(log.stateAt(22));
  });

  test("behind a gap whose checkpoint was never finished does not count, and what was before it does", async () => {
    const { drives, log, archive } = await begun();
    await follow(archive, log, 4);
    await drives.published(archive, log.at(9));
    for (let count = 0; count < 10; count++) log.commit();
    const cannotRename = drives.disks.map((disk) =>
      faultyDisk(disk, ({ operation, path }) =>
        operation === "rename" && path.includes("checkpoint") ? { kind: "fail", code: "EIO" } : null,
      ),
    );
    const next = await drives.open({
      epoch: 2,
      logId: log.logId,
      places: cannotRename.map((disk, index) => drives.place(index, disk)),
    });
    expect(next.wanted).toEqual(log.at(9));
    const done = next.checkpoint(log.view).catch((error: unknown) => error);
    await follow(next, log, 3);
    expect(await done).toMatchObject({ kind: "retry" });
    await next.close();
    const reading = await drives.read();
    expect(reading.position).toEqual(log.at(9));
    expect(await restored(reading)).toBe(log.stateAt(9));
    // The next leader begins there, or anew.
    const third = await drives.open({ epoch: 3, logId: log.logId });
    expect(third.wanted).toEqual(log.at(9));
    for (const batch of log.batches.slice(9)) await third.take(batch);
    await third.close();
    expect(await restored(await drives.read())).toBe(log.stateAt(22));
  });
});

/** Drives whose renames of checkpoints wait until they are let go, and whose writes of groups fail when told. */
function heldDrives(drives: ArchiveDrives): {
  readonly places: JournalPlace[];
  letGo: () => void;
  isHeld: () => boolean;
  failing: number;
} {
  let letGo = (): void => {};
  let isHeld = false;
  const until = new Promise<void>((resolve) => (letGo = resolve));
  const held = { places: [] as JournalPlace[], letGo, isHeld: () => isHeld, failing: -1 };
  drives.disks.forEach((disk, index) => {
    const faulty = faultyDisk(disk, ({ operation, path }) => {
      if (operation === "write" && path.includes("batches") && held.failing === index)
        return { kind: "fail-after", code: "EIO" };
      if (operation !== "rename" || !path.includes("checkpoint")) return null;
      isHeld = true;
      return { kind: "hang", until };
    });
    held.places.push(drives.place(index, faulty));
  });
  return held;
}

describe("a checkpoint of an archive", () => {
  test("is waited for before what is behind a gap is published", async () => {
    const { drives, log, archive } = await begun();
    await archive.close();
    const held = heldDrives(drives);
    const next = await drives.open({ epoch: 2, logId: log.logId, places: held.places });
    for (let count = 0; count < 4; count++) log.commit();
    const done = next.checkpoint(log.view);
    await follow(next, log, 3);
    await drives.until(() => held.isHeld() && next.members().every(({ durable }) => durable?.sequence === 12));
    expect([next.published, next.isCheckpointDue]).toEqual([log.at(5), true]);
    expect((await drives.read()).position).toEqual(log.at(5));
    held.letGo();
    await done;
    expect([next.published, next.isCheckpointDue]).toEqual([log.at(12), false]);
    await next.close();
    expect(await restored(await drives.read())).toBe(log.stateAt(12));
  });

  test("does not bring back a drive that failed meanwhile", async () => {
    const { drives, log, archive } = await begun();
    await archive.close();
    const held = heldDrives(drives);
    const next = await drives.open({ epoch: 2, logId: log.logId, places: held.places });
    await follow(next, log, 2);
    const done = next.checkpoint(log.view);
    await drives.until(held.isHeld);
    held.failing = 1;
    await follow(next, log, 2);
    await drives.until(() => next.members().some(({ condition }) => condition === "failed"));
    held.letGo();
    await done;
    expect(next.members().map(({ condition }) => condition)).toEqual(["whole", "failed"]);
    await next.close();
    expect(await restored(await drives.read())).toBe(log.stateAt(9));
  });

  test("that is damaged on all drives leaves the one before it, of another leader, with what is behind it", async () => {
    const { drives, log, archive } = await begun();
    await follow(archive, log, 6);
    await archive.close();
    const next = await drives.open({ epoch: 2, logId: log.logId });
    await follow(next, log, 6);
    await next.checkpoint(log.view);
    await follow(next, log, 6);
    await next.close();
    const folder = ".kakera/archive/epoch-0000000000000002";
    for (const disk of drives.disks) {
      const name = (await disk.list(folder)).find((one) => one.startsWith("checkpoint")) as string;
      const file = await disk.open(`${folder}/${name}`, { access: "write" });
      await file.write(Buffer.alloc(64, 7), 5000);
      await file.close();
    }
    const reading = await drives.read();
    expect(reading.position).toEqual(log.at(23));
    expect(await restored(reading)).toBe(log.stateAt(23));
  });
});

describe("the drives of an archive", () => {
  test("that were away are refilled from the others", async () => {
    const { drives, log, archive } = await begun();
    await archive.close();
    const alone = await drives.open({ epoch: 2, logId: log.logId, places: [drives.place(0)] });
    await follow(alone, log, 20);
    await alone.rejoin(drives.place(1));
    expect(alone.members().map(({ condition }) => condition)).toEqual(["whole", "whole"]);
    await follow(alone, log, 5);
    await alone.close();
    for (const index of [0, 1])
      expect(await restored(await drives.read({ indexes: [index] }))).toBe(log.stateAt(log.batches.length));
  });

  test("that are new become whole by a checkpoint, and count from then on", async () => {
    const { drives, log, archive } = await begun(3);
    await archive.close();
    const two = await drives.open({ epoch: 2, logId: log.logId, places: [drives.place(0)], copiesMin: 2 });
    drives.disks[1] = new ArchiveDrives(1).disks[0] as Disk;
    await two.rejoin(drives.place(1));
    expect(two.members().map(({ condition }) => condition)).toEqual(["whole", "bare"]);
    expect([two.isCheckpointDue, two.published]).toEqual([true, null]);
    await follow(two, log, 5);
    await drives.until(() => two.members().every(({ durable }) => durable?.sequence === 10));
    expect(two.published).toBeNull();
    await two.checkpoint(log.view);
    expect([two.isCheckpointDue, two.published]).toEqual([false, log.at(10)]);
    await follow(two, log, 5);
    await two.close();
    expect(await restored(await drives.read({ indexes: [1] }))).toBe(log.stateAt(15));
  });

  test("that all failed leave what was taken waiting; nothing is missing when they are back", async () => {
    const { drives, log, archive } = await begun();
    await archive.close();
    let isFailing = false;
    const failing = drives.disks.map((disk) =>
      faultyDisk(disk, ({ operation, path }) =>
        isFailing && operation === "write" && path.includes("batches") ? { kind: "fail-after", code: "EIO" } : null,
      ),
    );
    const places = failing.map((disk, index) => drives.place(index, disk));
    const next = await drives.open({ epoch: 2, logId: log.logId, places });
    await follow(next, log, 3);
    await drives.published(next, log.at(8));
    isFailing = true;
    await follow(next, log, 3);
    await drives.until(() => next.members().every(({ condition }) => condition === "failed"));
    expect(next.published).toEqual(log.at(8));
    isFailing = false;
    for (const place of places) await next.rejoin(place);
    await follow(next, log, 2);
    await drives.published(next, log.at(13));
    expect(next.members().map(({ condition }) => condition)).toEqual(["whole", "whole"]);
    await next.close();
    for (const index of [0, 1]) expect(await restored(await drives.read({ indexes: [index] }))).toBe(log.stateAt(13));
  });

  test("keep two checkpoints and what is behind the older, of whichever leader", async () => {
    const { drives, log, archive } = await begun();
    await archive.close();
    for (let epoch = 2; epoch < 8; epoch++) {
      const next = await drives.open({ epoch, logId: log.logId });
      for (let count = 0; count < 120; count++) {
        await next.take(log.commit());
        if (next.isCheckpointDue) await next.checkpoint(log.view);
      }
      await next.close();
    }
    const disk = drives.disks[0] as Disk;
    const names: string[] = [];
    for (const folder of await disk.list(".kakera/archive"))
      names.push(...(await disk.list(`.kakera/archive/${folder}`)).map((name) => `${folder}/${name}`));
    expect(names.filter((name) => name.includes("checkpoint"))).toHaveLength(2);
    expect(names.length).toBeLessThan(25);
    expect(await restored(await drives.read())).toBe(log.stateAt(log.batches.length));
  });
});

describe("leaders of an archive", () => {
  test("go on where the one before ended", async () => {
    const { drives, log, archive } = await begun();
    await follow(archive, log, 3);
    await archive.close();
    const next = await drives.open({ epoch: 2, logId: log.logId });
    expect([next.wanted, next.published, next.isCheckpointDue]).toEqual([log.at(8), log.at(8), false]);
    await follow(next, log, 3);
    await next.close();
    expect(await restored(await drives.read())).toBe(log.stateAt(11));
  });

  test("end when a newer one has begun, and begin no more", async () => {
    const { drives, log, archive } = await begun();
    const next = await drives.open({ epoch: 2, logId: log.logId });
    await archive.take(log.commit());
    for (let turn = 0; turn < 500; turn++) await Promise.resolve(turn % 50 === 0 && drives.clock.advance(1000));
    await expect(archive.take(log.commit())).rejects.toMatchObject({ kind: "retry" });
    await expect(archive.checkpoint(log.view)).rejects.toMatchObject({ kind: "retry" });
    await expect(drives.open({ epoch: 1, logId: log.logId })).rejects.toMatchObject({ kind: "retry" });
    for (const batch of log.batches.slice(5)) await next.take(batch);
    await next.close();
    await expect(drives.open({ epoch: 2, logId: log.logId })).rejects.toMatchObject({ kind: "halt" });
    expect(await restored(await drives.read())).toBe(log.stateAt(7));
    await archive.close();
  });

  test("that cannot see each other write one history, and the longer end counts", async () => {
    const { drives, log, archive } = await begun();
    await archive.close();
    const old = await drives.open({ epoch: 2, logId: log.logId, places: [drives.place(0)] });
    const next = await drives.open({ epoch: 3, logId: log.logId, places: [drives.place(1)] });
    for (let count = 0; count < 30; count++) {
      const batch = log.commit();
      await old.take(batch);
      if (count < 20) await next.take(batch);
      // They cut groups in different places.
      if (count % 7 === 0) await drives.published(old, batch.position);
      if (count % 5 === 0 && count < 20) await drives.published(next, batch.position);
    }
    await old.close();
    await next.close();
    const reading = await drives.read();
    expect(reading.position).toEqual(log.at(35));
    expect(await restored(reading)).toBe(log.stateAt(35));
    expect(reading.witnesses.map(({ position }) => position?.sequence)).toEqual([35, 25]);
    const third = await drives.open({ epoch: 4, logId: log.logId });
    expect([third.wanted, third.published]).toEqual([log.at(35), log.at(35)]);
    await third.close();
    for (const index of [0, 1]) expect(await restored(await drives.read({ indexes: [index] }))).toBe(log.stateAt(35));
  });

  test("of another history never count against a newer one's, however long theirs is", async () => {
    const { drives, log, archive } = await begun();
    await archive.close();
    const old = await drives.open({ epoch: 2, logId: log.logId, places: [drives.place(0)] });
    await follow(old, log, 30);
    await drives.published(old, log.at(35));
    // etcd was restored as it was at batch 4, and an operator has accepted it.
    const other = log.fork(createSeededRandom(77), 4);
    other.commit();
    const next = await drives.open({ epoch: 3, logId: log.logId, places: [drives.place(1)], start: "anew" });
    expect([next.wanted, next.published]).toEqual([null, null]);
    await next.checkpoint(other.view);
    await follow(next, other, 4);
    await follow(old, log, 3);
    await next.close();
    await old.close();
    const reading = await drives.read();
    expect(reading.position).toEqual(other.at(9));
    expect(await restored(reading)).toBe(other.stateAt(9));
    const lookup = (sequence: number): ViewPosition | null => other.batches[sequence - 1]?.position ?? null;
    const lineages = reading.witnesses.map(({ position }) => checkWitness(position as ViewPosition, lookup));
    expect(lineages).toEqual(["ahead", "same"]);
  });

  test("of another log are told apart", async () => {
    const { drives, archive } = await begun();
    await archive.close();
    const logId = "etcd:00c0ffee:/other";
    await expect(drives.open({ epoch: 2, logId })).rejects.toMatchObject({ kind: "halt" });
    const log = new FollowedLog(createSeededRandom(5), logId);
    for (let count = 0; count < 3; count++) log.commit();
    const next = await drives.open({ epoch: 3, logId, start: "anew" });
    await next.checkpoint(log.view);
    await follow(next, log, 2);
    await next.close();
    const reading = await drives.read();
    expect(reading.position).toEqual(log.at(5));
    expect(await restored(reading)).toBe(log.stateAt(5));
  });
});

describe("a witness", () => {
  const position = (sequence: number, checksum: string): ViewPosition => ({
    logId: "etcd:1:/k",
    term: 1,
    revision: sequence * 10,
    sequence,
    checksum,
  });
  const lookup = (sequence: number): ViewPosition | null => (sequence <= 7 ? position(sequence, "aa") : null);

  test("tells the same lineage, another one, and a log that it is ahead of", () => {
    expect(checkWitness(position(7, "aa"), lookup)).toBe("same");
    expect(checkWitness(position(7, "bb"), lookup)).toBe("other");
    expect(checkWitness({ ...position(7, "aa"), revision: 71 }, lookup)).toBe("other");
    expect(checkWitness(position(8, "aa"), lookup)).toBe("ahead");
  });
});
