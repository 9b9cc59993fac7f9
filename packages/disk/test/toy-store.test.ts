import {
  crashImages,
  createCrashWorld,
  freshDrives,
  liesAboutFdatasync,
  retriesFailedFsync,
  skipsDirectorySync,
  type CrashWorld,
} from "@kakera/disk";
import { createSeededRandom, type Disk } from "@kakera/kernel";
import { describe, expect, it } from "vitest";
import { ToyStore } from "./toy-store.ts";

describe("the crash images of a small store", () => {
  it("show every acknowledged value, at every moment, also of a crash during recovery", async () => {
    const { imageCount, violations } = await powerCuts({ seed: 1, plant: (disk) => disk, imagesPerPosition: 4 });
    expect(violations).toEqual([]);
    expect(imageCount).toBeGreaterThan(2_000);
  });

  it("show nothing wrong when a sync fails and the store takes it seriously", async () => {
    const { violations } = await powerCuts({ seed: 2, plant: (disk) => disk, imagesPerPosition: 4, failsAtSync: 9 });
    expect(violations).toEqual([]);
  });

  it("see an fdatasync that lies", async () => {
    const { violations } = await powerCuts({ seed: 3, plant: liesAboutFdatasync, imagesPerPosition: 4 });
    expect(violations.length).toBeGreaterThan(10);
  });

  it("see a directory sync that is left out", async () => {
    const { violations } = await powerCuts({ seed: 4, plant: skipsDirectorySync, imagesPerPosition: 4 });
    expect(violations.length).toBeGreaterThan(10);
  });

  it("see a failed fdatasync that is tried again", async () => {
    const settings = { seed: 5, plant: retriesFailedFsync, imagesPerPosition: 4, failsAtSync: 9 };
    const { violations } = await powerCuts(settings);
    expect(violations.length).toBeGreaterThan(10);
  });
});

interface PowerCutSettings {
  readonly seed: number;
  readonly plant: (disk: Disk) => Disk;
  readonly imagesPerPosition: number;
  /** The sync of the log, counted from 0, that fails once. */
  readonly failsAtSync?: number;
}

interface Acknowledged {
  readonly position: number;
  readonly key: string;
  readonly value: number;
}

async function powerCuts(settings: PowerCutSettings): Promise<{ imageCount: number; violations: string[] }> {
  let syncCount = 0;
  const random = createSeededRandom(settings.seed);
  const world = createCrashWorld({
    random,
    start: freshDrives(1),
    syncFails: ({ path }) => path.startsWith("log-") && syncCount++ === settings.failsAtSync,
  });
  const acknowledged = await work(settings.plant(world.disks[0] as Disk), world);
  const violations: string[] = [];
  let imageCount = 0;
  for (const image of crashImages(world.history(), { random, imagesPerPosition: settings.imagesPerPosition })) {
    imageCount += 1;
    const due = lastOfEachKey(acknowledged.filter((ack) => ack.position <= image.position));
    const where = `position ${image.position} seed ${image.seed}`;
    // The second cut falls into the recovery from the first.
    const again = createCrashWorld({ random, start: image.trees });
    const found = await checked(settings.plant(again.disks[0] as Disk), due);
    if (found.missing !== null) violations.push(`${where}: ${found.missing}`);
    const cuts = crashImages(again.history(), {
      random,
      imagesPerPosition: 1,
      isWanted: () => random.fraction() < 0.1,
    });
    for (const second of cuts) {
      imageCount += 1;
      const foundAgain = await checked(second.disks()[0] as Disk, due);
      if (foundAgain.missing !== null) violations.push(`${where} and ${second.position}: ${foundAgain.missing}`);
      // What the first recovery showed to anyone must stay.
      const isAfterOpening = second.position === again.position();
      if (isAfterOpening && !sameValues(found.values, foundAgain.values))
        violations.push(`${where}: what was seen is gone`);
    }
  }
  return { imageCount, violations };
}

async function work(disk: Disk, world: CrashWorld): Promise<Acknowledged[]> {
  const store = await ToyStore.open(disk);
  const acknowledged: Acknowledged[] = [];
  const puts = Array.from({ length: 40 }, async (_, value) => {
    const key = `k${value % 7}`;
    await store.put(key, value).then(
      () => acknowledged.push({ position: world.position(), key, value }),
      () => {},
    );
  });
  await Promise.all(puts);
  return acknowledged;
}

function lastOfEachKey(acknowledged: readonly Acknowledged[]): Map<string, number> {
  return new Map(acknowledged.map((ack) => [ack.key, ack.value]));
}

async function checked(
  disk: Disk,
  due: ReadonlyMap<string, number>,
): Promise<{ missing: string | null; values: Map<string, number> }> {
  try {
    const { values } = await ToyStore.open(disk);
    for (const [key, value] of due) {
      const found = values.get(key);
      if (found === undefined || found < value) return { missing: `${key}=${value} reads ${found}`, values };
    }
    return { missing: null, values };
  } catch (error) {
    return { missing: `does not open: ${(error as Error).message}`, values: new Map() };
  }
}

function sameValues(left: ReadonlyMap<string, number>, right: ReadonlyMap<string, number>): boolean {
  return left.size === right.size && [...left].every(([key, value]) => right.get(key) === value);
}
