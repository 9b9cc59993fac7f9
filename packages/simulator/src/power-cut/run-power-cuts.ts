import {
  crashImages,
  createCrashWorld,
  freshDrives,
  type CrashImage,
  type CrashWorld,
  type MemoryTree,
} from "@kakera/disk";
import { assert, createSeededRandom, type Disk, type Random } from "@kakera/kernel";
import { Ledger } from "./ledger.ts";

export interface PowerCutScenario {
  readonly seed: number;
  readonly driveCount: number;
  readonly imagesPerPosition: number;
  /** Cuts during the recovery from each image, besides the one at its end. */
  readonly secondCutsPerImage: number;
  /** The part of the positions that is looked at, drawn at random; 1 = all. */
  readonly positionShare?: number;
  readonly spoiledBlockShare?: number;
  /** Wraps each drive with a planted bug. */
  readonly plant?: (disk: Disk) => Disk;
  readonly syncFails?: (sync: { readonly drive: number; readonly path: string }) => boolean;
  /** Stops at the first image that is wrong. */
  readonly stopsAfter?: "first-violation" | "all-images";
  /** Brings fresh drives to where `work` begins; no cut falls here, and all that it leaves must be durable. */
  prepare?(disks: readonly Disk[]): Promise<void>;
  /** Starts the system and works it; what it acknowledges goes into the ledger. */
  work(run: PowerCutRun): Promise<void>;
  /** Opens the system over drives after a crash, reads everything, and closes it. Rejecting is a violation. */
  examine(disks: readonly Disk[], random: Random): Promise<ReadonlyMap<string, string>>;
}

export interface PowerCutRun {
  readonly disks: readonly Disk[];
  readonly ledger: Ledger;
  readonly random: Random;
}

export interface PowerCutReport {
  readonly positionCount: number;
  readonly imageCount: number;
  readonly acknowledgedCount: number;
  /** One line for each: where, and what reads as it must not. */
  readonly violations: readonly string[];
}

/**
 * Works a system, then cuts the power at every moment of its history, opens it on what may be left, and compares with what was
 * acknowledged. From each image the power is cut again during recovery, and once more at its end: what a client saw must stay.
 */
export async function runPowerCuts(scenario: PowerCutScenario): Promise<PowerCutReport> {
  const random = createSeededRandom(scenario.seed);
  const plant = scenario.plant ?? ((disk) => disk);
  const world = createCrashWorld({
    random,
    start: await preparedDrives(scenario, random),
    ...(scenario.syncFails === undefined ? {} : { syncFails: scenario.syncFails }),
  });
  const ledger = new Ledger(() => world.position());
  await scenario.work({ disks: world.disks.map(plant), ledger, random });
  const tally = { imageCount: 0, violations: [] as string[] };
  const positionShare = scenario.positionShare ?? 1;
  const images = crashImages(world.history(), {
    random,
    imagesPerPosition: scenario.imagesPerPosition,
    isWanted: () => positionShare === 1 || random.fraction() < positionShare,
    ...spoiling(scenario),
  });
  for (const image of images) {
    await examineImage({ scenario, image, ledger, random, tally });
    if (scenario.stopsAfter === "first-violation" && tally.violations.length > 0) break;
  }
  const acknowledgedCount = ledger.acknowledgedBefore(Infinity);
  return { positionCount: world.position() + 1, acknowledgedCount, ...tally };
}

async function preparedDrives(scenario: PowerCutScenario, random: Random): Promise<readonly MemoryTree[]> {
  const fresh = freshDrives(scenario.driveCount);
  if (scenario.prepare === undefined) return fresh;
  const world = createCrashWorld({ random, start: fresh });
  await scenario.prepare(world.disks);
  const isWanted = (position: number): boolean => position === world.position();
  const ends = [...crashImages(world.history(), { random, imagesPerPosition: 2, isWanted })];
  assert(ends[0] !== undefined && ends.length === 1, "what is prepared is durable to the last byte and name");
  return ends[0].trees;
}

interface Examination {
  readonly scenario: PowerCutScenario;
  readonly image: CrashImage;
  readonly ledger: Ledger;
  readonly random: Random;
  readonly tally: { imageCount: number; readonly violations: string[] };
}

async function examineImage(examination: Examination): Promise<void> {
  const { scenario, image, random, tally } = examination;
  const plant = scenario.plant ?? ((disk) => disk);
  const recovery = createCrashWorld({ random, start: image.trees });
  const first = await look(examination, { disks: recovery.disks.map(plant), where: nameOf(image) });
  if (first === null) return;
  for (const second of secondCuts(recovery, examination)) {
    const where = `${nameOf(image)}, then ${nameOf(second)}`;
    const seen = await look(examination, { disks: second.disks(), where });
    const isAfterRecovery = second.position === recovery.position();
    if (seen !== null && isAfterRecovery)
      tally.violations.push(...differences(first, seen).map((line) => `${where}: ${line}`));
  }
}

/** Opens and judges; null when it did not open. */
async function look(
  { scenario, image, ledger, random, tally }: Examination,
  { disks, where }: { disks: readonly Disk[]; where: string },
): Promise<ReadonlyMap<string, string> | null> {
  tally.imageCount += 1;
  try {
    const seen = await scenario.examine(disks, random);
    tally.violations.push(...ledger.judge(seen, image.position).map((line) => `${where}: ${line}`));
    return seen;
  } catch (error) {
    tally.violations.push(`${where}: does not open: ${error instanceof Error ? error.stack : String(error)}`);
    return null;
  }
}

/** Some moments of the recovery, and its end. */
function* secondCuts(recovery: CrashWorld, { scenario, random }: Examination): Generator<CrashImage> {
  const end = recovery.position();
  const wanted = new Set([end]);
  for (let nth = 0; nth < scenario.secondCutsPerImage; nth += 1) wanted.add(Math.floor(random.fraction() * end));
  const isWanted = (position: number): boolean => wanted.has(position);
  yield* crashImages(recovery.history(), { random, imagesPerPosition: 1, isWanted, ...spoiling(scenario) });
}

function differences(first: ReadonlyMap<string, string>, second: ReadonlyMap<string, string>): string[] {
  const keys = new Set([...first.keys(), ...second.keys()]);
  return [...keys]
    .filter((key) => first.get(key) !== second.get(key))
    .map((key) => `${key} was seen as ${first.get(key) ?? "absent"} and is now ${second.get(key) ?? "absent"}`);
}

function spoiling(scenario: PowerCutScenario): { spoiledBlockShare?: number } {
  return scenario.spoiledBlockShare === undefined ? {} : { spoiledBlockShare: scenario.spoiledBlockShare };
}

function nameOf(image: CrashImage): string {
  return `cut at ${image.position} (seed ${image.seed})`;
}
