import { expect, test } from "vitest";
import { countFor } from "../harness/length.ts";
import { runCrashCycles } from "./cycles.ts";
import { failpointNames } from "./failpoints.ts";
import { describeReport } from "./report.ts";

const cycleCount = Number(process.env.KAKERA_CRASH_CYCLES ?? countFor({ whole: 150, ci: 150, here: 60 }));
/** How often each of them was met at the least, by kills that choose the one that was met least. */
const hitsMin = cycleCount >= 150 ? 3 : 1;
/** The search for them in the sources found so many when this was written: should it ever find none, that is a fault. */
const failpointsKnown = 30;
const seed = Number(process.env.KAKERA_CRASH_SEED ?? 20_261_124);

test(`nothing acknowledged is lost and nothing deleted returns over ${cycleCount} kills (seed ${seed})`, async () => {
  const report = await runCrashCycles({
    cycleCount,
    seed,
    failpoints: failpointNames,
    report: (line) => console.log(line),
  });
  console.log(describeReport(report).join("\n"));
  expect(report.violations).toEqual([]);
  expect(report.acknowledgedCount).toBeGreaterThan(cycleCount);
  expect(report.unavailableCount).toBeLessThan(report.acknowledgedCount / 10);
  expect(report.failpointHits.size).toBeGreaterThanOrEqual(failpointsKnown);
  expect([...report.failpointHits].filter(([, count]) => count < hitsMin)).toEqual([]);
}, 1_800_000);
