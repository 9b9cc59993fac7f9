import { plantedBugNames, type PlantedBug } from "@kakera/simulator";
import { expect, test } from "vitest";
import { seedThatFinds } from "./simulate.ts";

const seedsMax = 200;
/** Where each search begins: with a history that is known to find the bug; with the first where none is known. */
const knownSeeds: Readonly<Record<PlantedBug, number>> = {
  "acknowledge-before-fsync": 3,
  "write-quorum-below-full": 2,
  "no-seal-before-move": 31,
  "no-session-in-comparison": 35,
  "header-revision-as-position": 20,
  "create-without-comparison": 26,
  "delete-by-inference": 12,
  "stale-view": 1,
};

test.each(plantedBugNames)(`the simulator finds the planted bug %s within ${seedsMax} histories`, async (bug) => {
  const seed = await seedThatFinds(bug, { knownSeed: knownSeeds[bug], seedsMax });
  console.log(`${bug}: found by seed ${seed ?? "none"}`);
  expect(seed).not.toBeNull();
});
