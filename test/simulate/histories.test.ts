import { faultNames } from "@kakera/simulator";
import { expect, test } from "vitest";
import { countFor } from "../harness/length.ts";
import { describeTally, simulate } from "./simulate.ts";

const seedCount = countFor({ whole: 220, ci: 220, here: 60 });
/** Each kind of fault is met so often, or the histories say little about it. */
const firedMin = countFor({ whole: 100, ci: 100, here: 20 });

test(`a simulated cluster keeps its word in ${seedCount} histories, which meet every fault`, async () => {
  const reports: string[] = [];
  const tally = await simulate({ firstSeed: 1, seedCount, report: (text) => reports.push(text) });
  console.log(describeTally(tally).join("\n"));
  expect(tally.failures, reports.join("\n\n")).toEqual([]);
  const rare = faultNames.filter((name) => (tally.faults.get(name) ?? 0) < firedMin);
  expect(rare).toEqual([]);
});
