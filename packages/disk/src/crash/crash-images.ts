import { assert, createSeededRandom, type Disk, type Random } from "@kakera/kernel";
import { createMemoryDisk } from "../memory/memory-disk.ts";
import type { MemoryTree } from "../memory/memory-tree.ts";
import { DriveFate } from "./drive-fate.ts";
import type { CrashHistory } from "./history.ts";

/** Enough to make an image of a history again. */
export interface CrashMoment {
  /** The crash comes after this many events. */
  readonly position: number;
  readonly seed: number;
  readonly spoiledBlockShare: number;
}

export interface CrashImage extends CrashMoment {
  /** What each drive holds now. To crash again, give them to a world as its start. */
  readonly trees: readonly MemoryTree[];
  /** The drives as disks; each call makes new ones over the same content. */
  disks(): Disk[];
}

export interface CrashImageSettings {
  readonly random: Random;
  /** Images for each position at which more than one content is possible; where there is but one, one is made. */
  readonly imagesPerPosition: number;
  /** Positions to look at; all when left out. */
  readonly isWanted?: (position: number) => boolean;
  /** How likely a file has one 4 KiB block spoiled of those that were being rewritten. */
  readonly spoiledBlockShare?: number;
}

/** Images of every moment of a history, from before its first event to after its last. */
export function* crashImages(history: CrashHistory, settings: CrashImageSettings): Generator<CrashImage> {
  const fates = history.start.map((tree) => new DriveFate(tree));
  for (let position = 0; position <= history.events.length; position += 1) {
    if (settings.isWanted?.(position) !== false) {
      const count = fates.every((fate) => fate.isCertain) ? 1 : settings.imagesPerPosition;
      for (let nth = 0; nth < count; nth += 1) {
        const seed = Math.floor(settings.random.fraction() * 2 ** 32);
        yield imageOf(fates, { position, seed, spoiledBlockShare: settings.spoiledBlockShare ?? 0.05 });
      }
    }
    takeNext(fates, history, position);
  }
}

/** One image again, by what a failing test printed. */
export function crashImageAt(history: CrashHistory, moment: CrashMoment): CrashImage {
  const fates = history.start.map((tree) => new DriveFate(tree));
  for (let position = 0; position < moment.position; position += 1) takeNext(fates, history, position);
  return imageOf(fates, moment);
}

function takeNext(fates: readonly DriveFate[], history: CrashHistory, position: number): void {
  const event = history.events[position];
  if (event === undefined) return;
  const fate = fates[event.drive];
  assert(fate !== undefined, "an event belongs to a drive of the history");
  fate.take(event);
}

function imageOf(fates: readonly DriveFate[], { position, seed, spoiledBlockShare }: CrashMoment): CrashImage {
  const random = createSeededRandom(seed);
  const trees = fates.map((fate) => fate.afterCrash({ random, spoiledBlockShare }));
  const disks = (): Disk[] => trees.map((tree, drive) => createMemoryDisk({ tree: tree.share(), deviceId: drive + 1 }));
  return { position, seed, spoiledBlockShare, trees, disks };
}
