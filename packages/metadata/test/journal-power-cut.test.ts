import { describe, expect, test } from "vitest";
import {
  crashImages,
  createCrashWorld,
  freshDrives,
  liesAboutSynchronousWrites,
  skipsDirectorySync,
  type CrashImage,
  type CrashWorld,
} from "@kakera/disk";
import { ClusterFailure, createSeededRandom, newId, type Disk, type Random } from "@kakera/kernel";
import { UnknownOutcome, type Change, type Entry, type JournalLog } from "../src/index.ts";
import { JournalDrives } from "./journal-drives.ts";
import { geometries } from "./power-cut-geometries.ts";

/** Recorded lives for each geometry. */
const lives = Number(process.env["KAKERA_JOURNAL_LIVES"] ?? 2);
const keyCount = 12;
const settings = {
  fileSizeBytes: 16 * 1024,
  batchBytesMax: 8 * 1024,
  backlogBytesMax: 32 * 1024,
  checkpointBlockBytes: 1024,
};

/** Rows of a table that clients are told of. */
const rows = "l";

/** A change that was acknowledged, and when: a crash at this position or later must keep it. */
interface Acknowledged {
  readonly key: string;
  readonly value: string;
  readonly revision: number;
  readonly position: number;
}

/** A life of the journal: opened, written, checkpointed, closed; all of it recorded. */
async function live(
  world: CrashWorld,
  drives: JournalDrives,
  { random, opened }: { random: Random; opened: () => void },
): Promise<{ acknowledged: Acknowledged[]; openedAt: number }> {
  const acknowledged: Acknowledged[] = [];
  const log = await drives.open({ settings });
  const openedAt = world.position();
  opened();
  for (let round = 0; round < 5; round++) {
    const count = 1 + Math.floor(random.fraction() * 6);
    await Promise.all(
      Array.from({ length: count }, async () => {
        const key = `k${Math.floor(random.fraction() * keyCount)}`;
        const value = `${round}-${random.fraction()}`.padEnd(Math.floor(random.fraction() * 3000), "x");
        const result = await log.commit(put(key, value, random)).catch(refusedByTheLog);
        if (result?.outcome === "committed")
          acknowledged.push({ key, value, revision: result.revision, position: world.position() });
      }),
    );
    if (round === 1 || round === 3) await log.checkpoint().catch(refusedByTheLog);
  }
  await log.close();
  return { acknowledged, openedAt };
}

/** Too few drives are left, or nobody knows: not acknowledged, so nothing is promised. */
function refusedByTheLog(error: unknown): null {
  if (error instanceof ClusterFailure && error.kind === "retry") return null;
  throw error;
}

function put(key: string, value: string, random: Random): Change {
  return {
    id: newId("change", random),
    purpose: "write",
    compares: [],
    puts: [{ key: Buffer.from(`${rows}${key}`), value: Buffer.from(value) }],
    deletes: [],
  };
}

/** What is wrong with what the log shows after a crash at `position`, or null. What it keeps back is not wrong. */
function faultIn(log: JournalLog, acknowledged: readonly Acknowledged[], position: number): string | null {
  const newest = new Map<string, Acknowledged>();
  for (const one of acknowledged)
    if (one.position <= position && (newest.get(one.key)?.revision ?? 0) < one.revision) newest.set(one.key, one);
  for (const [key, expected] of newest) {
    const entry = shown(log, key);
    if (entry === "kept back") continue;
    if (entry === null || entry.revision < expected.revision) return `${key} at revision ${expected.revision} is gone`;
    if (entry.revision === expected.revision && entry.value.toString() !== expected.value)
      return `${key} has another value`;
  }
  const isNewer = ({ revision }: Acknowledged): boolean => revision > log.view.appliedRevision;
  return readAll(log, position).some(isNewer) ? "an entry is newer than the view" : null;
}

function shown(log: JournalLog, key: string): Entry | null | "kept back" {
  try {
    return log.view.get(Buffer.from(`${rows}${key}`));
  } catch (error) {
    if (error instanceof ClusterFailure && error.kind === "retry" && !log.status().canWrite) return "kept back";
    throw error;
  }
}

/** All that the log shows, as if it had been acknowledged to a reader at `position`. */
function readAll(log: JournalLog, position: number): Acknowledged[] {
  const read: Acknowledged[] = [];
  for (let number = 0; number < keyCount; number++) {
    const [key, entry] = [`k${number}`, shown(log, `k${number}`)];
    if (entry === null || entry === "kept back") continue;
    read.push({ key, value: entry.value.toString(), revision: entry.revision, position });
  }
  return read;
}

async function reopen(
  drives: JournalDrives,
  disks: readonly Disk[],
  options: { isFormed: boolean; present?: readonly number[] },
): Promise<JournalLog> {
  disks.forEach((disk, index) => (drives.disks[index] = disk));
  return drives.open({
    settings,
    start: options.isFormed ? "open" : "form",
    ...(options.present === undefined ? {} : { present: options.present }),
  });
}

type Plant = (disk: Disk) => Disk;

/** The first fault found in crash images of one recorded life, each opened again; null when there is none. */
async function firstFault(of: {
  driveCount: number;
  tolerance: number;
  seed: number;
  images: number;
  syncFailures?: number;
  plant?: Plant;
}): Promise<string | null> {
  const random = createSeededRandom(of.seed);
  const drives = new JournalDrives(of.driveCount, of.tolerance, of.seed);
  let isOpen = false;
  const syncFails = (): boolean => isOpen && random.fraction() < (of.syncFailures ?? 0);
  const world = createCrashWorld({ random, start: freshDrives(of.driveCount), syncFails });
  const plant: Plant = of.plant ?? ((disk) => disk);
  world.disks.forEach((disk, index) => (drives.disks[index] = plant(disk)));
  const { acknowledged, openedAt } = await live(world, drives, { random, opened: () => (isOpen = true) });
  const history = world.history();
  const share = of.images / history.events.length;
  for (const image of crashImages(history, {
    random,
    imagesPerPosition: 1,
    isWanted: () => random.fraction() < share,
  })) {
    const fault = await faultOfImage(image, { drives, acknowledged, isFormed: image.position >= openedAt, random });
    if (fault !== null) return `${fault} (position ${image.position}, seed ${image.seed})`;
  }
  return null;
}

interface Crash {
  readonly drives: JournalDrives;
  readonly acknowledged: readonly Acknowledged[];
  readonly isFormed: boolean;
  readonly random: Random;
}

async function faultOfImage(image: CrashImage, of: Crash): Promise<string | null> {
  const { drives, acknowledged, isFormed, random } = of;
  // As many drives as may be lost stay away, now and then.
  const indexes = drives.driveIds.map((_, index) => index);
  const lostCount = isFormed && random.fraction() < 0.5 ? drives.tolerance : 0;
  const present = indexes
    .sort(() => random.fraction() - 0.5)
    .slice(lostCount)
    .sort((a, b) => a - b);
  try {
    const world = createCrashWorld({ random, start: image.trees });
    const log = await reopen(drives, world.disks, { isFormed, present });
    const isReadable = await log.barrier().then(
      () => true,
      () => false,
    );
    if (!isReadable) return "nothing can be read though no more drives are absent than may be";
    const fault = faultIn(log, acknowledged, image.position);
    if (fault !== null) return fault;
    const read = readAll(log, image.position);
    if (log.status().canWrite) await log.commit(put("after", "the crash", random));
    await log.close();
    const told = { ...of, acknowledged: [...acknowledged, ...read] };
    const toldAt = world.position();
    return (
      (await faultOfOthers(world, told, image.position)) ??
      (await faultOfSecondCrash(world, (at) => (at < toldAt ? of : told), image.position))
    );
  } catch (error) {
    return `opening: ${String(error)}`;
  }
}

/** The drives that were there go, and those that were absent are there instead: what was read from the first must not be gone. */
async function faultOfOthers(world: CrashWorld, of: Crash, position: number): Promise<string | null> {
  if (!of.isFormed) return null;
  const { drives, random } = of;
  const absent = Math.floor(random.fraction() * 2 ** drives.driveIds.length);
  const present = drives.driveIds.map((_, index) => index).filter((index) => (absent & (1 << index)) === 0);
  if (present.length < drives.driveIds.length - drives.tolerance) return null;
  const log = await reopen(drives, world.disks, { isFormed: true, present });
  const fault = faultIn(log, of.acknowledged, position);
  await log.close();
  return fault === null ? null : `${fault} for drives ${present.join(" and ")}`;
}

/** The power goes again, at any moment of those recoveries. */
async function faultOfSecondCrash(
  world: CrashWorld,
  known: (at: number) => Crash,
  position: number,
): Promise<string | null> {
  const history = world.history();
  const { random } = known(0);
  const at = Math.floor(random.fraction() * history.events.length);
  const { drives, isFormed, acknowledged } = known(at);
  for (const image of crashImages(history, { random, imagesPerPosition: 1, isWanted: (one) => one === at })) {
    const log = await reopen(drives, image.disks(), { isFormed });
    const fault = faultIn(log, acknowledged, position);
    await log.close();
    if (fault !== null) return `${fault} after a second crash at ${at}`;
  }
  return null;
}

describe("a journal whose power is cut at any moment, and again while it recovers", () => {
  test.each(geometries)(
    "keeps what it acknowledged on $driveCount drives of which $tolerance may be lost",
    async (geometry) => {
      for (let seed = 1; seed <= lives; seed++) expect(await firstFault({ ...geometry, seed, images: 40 })).toBeNull();
    },
  );

  test.each(geometries)("keeps it when syncs fail too, on $driveCount drives", async (geometry) => {
    for (let seed = 1; seed <= lives; seed++)
      expect(await firstFault({ ...geometry, seed: 1000 + seed, images: 25, syncFailures: 0.03 })).toBeNull();
  });

  test("is caught when its writes are not durable", async () => {
    expect(
      await firstFault({ driveCount: 1, tolerance: 0, seed: 1, images: 60, plant: liesAboutSynchronousWrites }),
    ).not.toBeNull();
  });

  test("is caught when its names are not durable", async () => {
    expect(
      await firstFault({ driveCount: 1, tolerance: 0, seed: 1, images: 60, plant: skipsDirectorySync }),
    ).not.toBeNull();
  });

  // A write that failed can be read back until the power goes: the page cache has it, the drive does not.
  test("makes durable what it found before it answers with it", async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const random = createSeededRandom(seed);
      let isFailing = false;
      const world = createCrashWorld({
        random,
        start: freshDrives(1),
        syncFails: ({ path }) => isFailing && path.includes("batches"),
      });
      const drives = new JournalDrives(1, 0, seed);
      drives.disks[0] = world.disks[0] as Disk;
      const log = await drives.open({ settings });
      await log.commit(put("before", "x", random));
      isFailing = true;
      await expect(log.commit(put("doubtful", "y", random))).rejects.toBeInstanceOf(UnknownOutcome);
      isFailing = false;
      if (seed % 2 === 0) await log.rejoin(drives.place(0));
      else await log.close();
      const again = seed % 2 === 0 ? log : await drives.open({ settings, start: "open" });
      const wasFound = again.view.get(Buffer.from(`${rows}doubtful`)) !== null;
      expect(wasFound).toBe(true);
      const answeredAt = world.position();
      for (const image of crashImages(world.history(), {
        random,
        imagesPerPosition: 5,
        isWanted: (position) => position === answeredAt,
      })) {
        const after = await reopen(drives, image.disks(), { isFormed: true });
        expect(after.view.get(Buffer.from(`${rows}doubtful`))?.value.toString()).toBe("y");
        await after.close();
      }
      await again.close();
    }
  });
});
