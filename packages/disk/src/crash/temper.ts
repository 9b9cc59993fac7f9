import type { Random } from "@kakera/kernel";

/**
 * What one crash leaves of the changes that were not durable yet. One is drawn for each file and each folder of an image.
 * - `nothing` and `everything`: the two ends.
 * - `prefix`: as if the disk had worked off the changes in their order, up to some point.
 * - `scatter`: each part for itself, in any order: kept, dropped, an older version over a newer one.
 */
type TemperKind = "nothing" | "everything" | "prefix" | "scatter";

export interface Temper {
  readonly kind: TemperKind;
  readonly random: Random;
  /** `scatter`: how likely the newest version of a part is there. */
  readonly keptShare: number;
  /** How likely one block of a file is spoiled that was being rewritten. */
  readonly spoiledBlockShare: number;
}

export interface TemperRules {
  readonly random: Random;
  readonly spoiledBlockShare: number;
}

export function drawTemper({ random, spoiledBlockShare }: TemperRules): Temper {
  const drawn = random.fraction();
  const kind = drawn < 0.15 ? "nothing" : drawn < 0.3 ? "everything" : drawn < 0.55 ? "prefix" : "scatter";
  const keptShare = [0.1, 0.5, 0.9][Math.floor(random.fraction() * 3)] ?? 0.5;
  return { kind, random, keptShare, spoiledBlockShare };
}

/** A whole number from `least` to `most`, both included. */
export function drawBetween(random: Random, least: number, most: number): number {
  return least + Math.floor(random.fraction() * (most - least + 1));
}
