import { plantedBugNames, type PlantedBug } from "@kakera/simulator";
import { expect, test } from "vitest";
import { seedThatFinds } from "./simulate.ts";

const seedsMax = 200;
/** Where each search begins: with a history that is known to find the bug; with the first where none is known. */
const knownSeeds: Readonly<Record<PlantedBug, number>> = {
  "acknowledge-before-fsync": 2,
  "write-quorum-below-full": 1,
  "no-seal-before-move": 1,
  "no-session-in-comparison": 10,
  "header-revision-as-position": 53,
  "create-without-comparison": 10,
  "delete-by-inference": 8,
  "stale-view": 1,
};

test.each(plantedBugNames)(`the simulator finds the planted bug %s within ${seedsMax} histories`, async (bug) => {
  const seed = await seedThatFinds(bug, { knownSeed: knownSeeds[bug], seedsMax });
  console.log(`${bug}: found by seed ${seed ?? "none"}`);
  expect(seed).not.toBeNull();
});
