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
import { ClusterFailure, createSeededRandom, type Disk, type Random } from "@kakera/kernel";
import type { Archive, ArchiveReading, ViewBatch } from "../src/index.ts";
import { ArchiveDrives, restored } from "./archive-drives.ts";
import { FollowedLog } from "./followed-log.ts";
import { geometries } from "./power-cut-geometries.ts";

/** Recorded lives for each geometry. */
const lives = Number(process.env["KAKERA_ARCHIVE_LIVES"] ?? 2);

/** What an archive said, and when: a crash at this position or later must keep it. */
interface Published {
  readonly sequence: number;
  readonly position: number;
}

type Plant = (disk: Disk) => Disk;

interface Life {
  readonly driveCount: number;
  readonly tolerance: number;
  readonly copiesMin: number;
  readonly seed: number;
  readonly images: number;
  readonly syncFailures?: number;
  readonly plant?: Plant;
}

/** Archives a log, leader after leader, each taking over while the one before still works. */
class RecordedLife {
  readonly drives: ArchiveDrives;
  readonly log: FollowedLog;
  readonly published: Published[] = [];
  readonly #life: Life;
  readonly #random: Random;
  readonly #world: CrashWorld;

  constructor(life: Life, world: CrashWorld, random: Random) {
    this.#life = life;
    this.#random = random;
    this.#world = world;
    this.drives = new ArchiveDrives(life.driveCount, life.seed);
    world.disks.forEach((disk, index) => (this.drives.disks[index] = life.plant?.(disk) ?? disk));
    this.log = new FollowedLog(createSeededRandom(life.seed));
    for (let count = 0; count < 3; count++) this.log.commit();
  }

  async run(): Promise<void> {
    const leaders: Archive[] = [];
    for (let epoch = 1; epoch <= 3; epoch++) {
      const leader = await this.lead(epoch);
      const old = leaders.at(-1);
      leaders.push(leader);
      for (let round = 0; round < 5; round++) {
        const count = 1 + Math.floor(this.#random.fraction() * 6);
        for (let nth = 0; nth < count; nth++) {
          const batch = this.log.commit(1500);
          await this.#take(leader, batch);
          // The one before has not noticed yet. It may have no drive left, and wait for ever.
          if (round === 0 && old !== undefined) void old.take(batch).catch(isOver);
          this.#note(leader);
        }
        if (leader.isCheckpointDue || this.#random.fraction() < 0.3) await this.#whileTimePasses(leader);
        else if (this.#random.fraction() < 0.5) await this.#pass(leader);
        if (this.#random.fraction() < 0.7) await this.#rejoin(leader);
      }
      // The next one may find names that are not durable yet.
      if (this.#random.fraction() < 0.7) await this.#abandon(leader);
    }
    for (const leader of leaders) {
      await leader.close();
      this.#note(leader);
    }
  }

  async lead(epoch: number): Promise<Archive> {
    const { tolerance, copiesMin } = this.#life;
    const leader = await this.drives.open({ epoch, logId: this.log.logId, tolerance, copiesMin });
    if (leader.wanted === null) await leader.checkpoint(this.log.view).catch(isOver);
    else for (const batch of this.log.batches.slice(leader.wanted.sequence)) await this.#take(leader, batch);
    this.#note(leader);
    return leader;
  }

  /** With no drive up, what was taken waits until one is there again. */
  async #take(leader: Archive, batch: ViewBatch): Promise<void> {
    let isDone = false;
    const done = leader.take(batch).finally(() => (isDone = true));
    for (let turn = 1; !isDone; turn++) {
      if (turn > 100_000)
        throw new Error(
          `the archive does not take batch ${batch.position.sequence}: ${JSON.stringify(leader.members())}`,
        );
      if (turn % 200 === 0) await this.#rejoin(leader);
      await Promise.resolve();
    }
    await done;
  }

  async #rejoin(leader: Archive): Promise<void> {
    for (const { driveId, condition } of leader.members())
      if (condition === "failed")
        await leader.rejoin(this.drives.place(this.drives.driveIds.indexOf(driveId))).catch(isDrive);
  }

  /** A checkpoint, with batches meanwhile: the view is ahead of what the archive has. */
  async #whileTimePasses(leader: Archive): Promise<void> {
    let isDone = false;
    const done = leader
      .checkpoint(this.log.view)
      .catch(isOver)
      .finally(() => (isDone = true));
    for (let nth = 0; nth < 4 && !isDone; nth++) {
      for (let turn = Math.floor(this.#random.fraction() * 200); turn > 0; turn--) await Promise.resolve();
      await this.#take(leader, this.log.commit(300));
    }
    await this.drives.until(() => isDone);
    await done;
    this.#note(leader);
  }

  /** It is at some point of a checkpoint when the next leader comes. */
  async #abandon(leader: Archive): Promise<void> {
    void leader.checkpoint(this.log.view).catch(isOver);
    for (let turn = Math.floor(this.#random.fraction() * 300); turn > 0; turn--) await Promise.resolve();
  }

  async #pass(leader: Archive): Promise<void> {
    for (let turn = 0; turn < 400; turn++) {
      if (turn % 50 === 0) this.drives.clock.advance(300);
      await Promise.resolve();
      if (turn % 7 === 0) this.#note(leader);
    }
  }

  #note(leader: Archive): void {
    const sequence = leader.published?.sequence ?? 0;
    if (sequence > (this.published.at(-1)?.sequence ?? 0))
      this.published.push({ sequence, position: this.#world.position() });
  }
}

function isOver(error: unknown): void {
  if (!(error instanceof ClusterFailure && error.kind === "retry")) throw error;
}

function isDrive(error: unknown): void {
  if (!(error instanceof Error && (error.name === "DiskError" || error instanceof ClusterFailure))) throw error;
}

/** What is wrong with what is read after a crash, or null. */
async function faultIn(reading: ArchiveReading, log: FollowedLog, least: number): Promise<string | null> {
  const sequence = reading.position?.sequence ?? 0;
  if (sequence < least) return `${least} was published, ${sequence} is there`;
  if (reading.position === null) return null;
  if (reading.position.checksum !== log.at(sequence).checksum) return `another history at ${sequence}`;
  if ((await restored(reading)) !== log.stateAt(sequence)) return `another state at ${sequence}`;
  return null;
}

let imagesLookedAt = 0;

async function firstFault(life: Life): Promise<string | null> {
  const random = createSeededRandom(life.seed);
  let isOpen = false;
  const syncFails = (): boolean => isOpen && random.fraction() < (life.syncFailures ?? 0);
  const world = createCrashWorld({ random, start: freshDrives(life.driveCount), syncFails });
  const recorded = new RecordedLife(life, world, random);
  isOpen = true;
  await recorded.run();
  const history = world.history();
  const share = life.images / history.events.length;
  const isWanted = (): boolean => random.fraction() < share;
  for (const image of crashImages(history, { random, imagesPerPosition: 1, isWanted })) {
    imagesLookedAt++;
    const fault = await faultOfImage(image, { life, recorded, random });
    if (fault !== null) return `${fault} (position ${image.position}, seed ${image.seed})`;
  }
  return null;
}

async function faultOfImage(
  image: CrashImage,
  of: { readonly life: Life; readonly recorded: RecordedLife; readonly random: Random },
): Promise<string | null> {
  const { life, recorded, random } = of;
  const { log, drives } = recorded;
  const least = Math.max(
    0,
    ...recorded.published.filter((one) => one.position <= image.position).map((one) => one.sequence),
  );
  // As many drives as may be lost are, now and then; where fewer copies count, none is.
  const mayLose = life.copiesMin > life.tolerance && random.fraction() < 0.5;
  const indexes = drives.driveIds
    .map((_, index) => index)
    .sort(() => random.fraction() - 0.5)
    .slice(mayLose ? life.tolerance : 0);
  try {
    const fault = await faultIn(await drives.read({ indexes, disks: image.disks() }), log, least);
    if (fault !== null) return fault;
    return await faultOfNextLeader(image, { ...of, least });
  } catch (error) {
    return `reading: ${String(error)}`;
  }
}

/** Another leader takes over what the crash left; the power goes again, at any moment of that. */
async function faultOfNextLeader(
  image: CrashImage,
  of: { readonly life: Life; readonly recorded: RecordedLife; readonly random: Random; readonly least: number },
): Promise<string | null> {
  const { life, random, least } = of;
  const { log, drives } = of.recorded;
  const world = createCrashWorld({ random, start: image.trees });
  const next = new ArchiveDrives(life.driveCount, life.seed);
  next.random.bytes(1);
  world.disks.forEach((disk, index) => (next.disks[index] = disk));
  const { tolerance, copiesMin } = life;
  const leader = await next.open({ epoch: 9, logId: log.logId, tolerance, copiesMin });
  const wanted = leader.wanted?.sequence ?? 0;
  if (wanted < least) return `${least} was published, the next leader goes on from ${wanted}`;
  const published: Published[] = [{ sequence: leader.published?.sequence ?? 0, position: world.position() }];
  // etcd has all of it; the view stands at its end.
  if (leader.wanted === null) await leader.checkpoint(log.view);
  else for (const batch of log.batches.slice(wanted, wanted + 5)) await leader.take(batch);
  await leader.close();
  published.push({ sequence: leader.published?.sequence ?? 0, position: world.position() });
  const at = Math.floor(random.fraction() * (world.history().events.length + 1));
  const leastThen = Math.max(
    least,
    ...published.filter(({ position }) => position <= at).map(({ sequence }) => sequence),
  );
  const again = { random, imagesPerPosition: 1, isWanted: (one: number) => one === at };
  for (const second of crashImages(world.history(), again)) {
    imagesLookedAt++;
    const fault = await faultIn(await drives.read({ disks: second.disks() }), log, leastThen);
    if (fault !== null) return `${fault} after a second crash at ${at}`;
  }
  return null;
}

describe("an archive whose power is cut at any moment, and again while another leader takes over", () => {
  test.each(geometries)(
    "keeps what it published on $driveCount drives of which $tolerance may be lost",
    async ({ driveCount, tolerance }) => {
      for (let seed = 1; seed <= lives; seed++) {
        const life = { driveCount, tolerance, copiesMin: tolerance + 1, seed, images: 60 };
        expect(await firstFault(life), `seed ${seed}`).toBeNull();
      }
    },
  );

  test.each(geometries)("keeps it when syncs fail too, on $driveCount drives", async ({ driveCount, tolerance }) => {
    for (let seed = 1; seed <= lives; seed++) {
      const life = { driveCount, tolerance, copiesMin: 1, seed: 1000 + seed, images: 40, syncFailures: 0.02 };
      expect(await firstFault(life), `seed ${seed}`).toBeNull();
    }
  });

  test("is caught when it publishes before the sync", async () => {
    const life = { driveCount: 2, tolerance: 1, copiesMin: 2, seed: 1, images: 60 };
    expect(await firstFault({ ...life, plant: liesAboutSynchronousWrites })).not.toBeNull();
  });

  test("is caught when its names are not durable", async () => {
    const life = { driveCount: 2, tolerance: 1, copiesMin: 2, seed: 1, images: 60 };
    expect(await firstFault({ ...life, plant: skipsDirectorySync })).not.toBeNull();
  });

  test("looked at as many images as it says", () => {
    expect(imagesLookedAt).toBeGreaterThan(lives * 500);
  });
});
