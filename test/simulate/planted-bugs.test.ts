import { plantedBugNames } from "@kakera/simulator";
import { expect, test } from "vitest";
import { firstSeedThatFinds } from "./simulate.ts";

const seedsMax = 200;

test.each(plantedBugNames)(`the simulator finds the planted bug %s within ${seedsMax} histories`, async (bug) => {
  expect(await firstSeedThatFinds(bug, seedsMax)).not.toBeNull();
});
