import { liesAboutFdatasync, liesAboutSynchronousWrites, retriesFailedFsync, skipsDirectorySync } from "@kakera/disk";
import type { Disk } from "@kakera/kernel";
import { runPowerCuts, type PowerCutScenario } from "@kakera/simulator";
import { describe, expect, it } from "vitest";
import { countFor } from "../harness/length.ts";
import { driveScenario } from "./drive-scenario.ts";

const work = { seed: 1, lifeCount: 4, stepsPerLife: 60 };

describe("a drive whose power is cut at every moment", () => {
  it("keeps what it acknowledged, keeps removed what it removed, and forgets nothing that it has shown", async () => {
    const imagesPerPosition = countFor({ whole: 6, ci: 6, here: 2 });
    const report = await runPowerCuts({ ...driveScenario({ ...work, stepsPerLife: 66 }), imagesPerPosition });
    expect(report.violations.slice(0, 5)).toEqual([]);
    console.log(`power-cut: ${report.imageCount} images opened, ${report.acknowledgedCount} acknowledged changes`);
    expect(report.imageCount).toBeGreaterThan(2_000 * imagesPerPosition);
    expect(report.acknowledgedCount).toBeGreaterThan(100);
  });

  it.each([5, 12, 20, 31])("takes the failure of sync number %i seriously", async (failsAt) => {
    const scenario = { ...driveScenario({ ...work, seed: failsAt }), ...failingSync(failsAt), positionShare: 0.1 };
    expect((await runPowerCuts(scenario)).violations.slice(0, 5)).toEqual([]);
  });

  it.each([
    ["syncs that lie", (disk: Disk) => liesAboutSynchronousWrites(liesAboutFdatasync(disk)), {}],
    ["directory syncs left out", skipsDirectorySync, {}],
    ["a failed sync tried again", retriesFailedFsync, failingSync(12)],
  ])("is seen to lose data with %s", async (_, plant, faults) => {
    const scenario = {
      ...driveScenario({ ...work, seed: 2 }),
      ...faults,
      plant,
      stopsAfter: "first-violation" as const,
    };
    expect((await runPowerCuts(scenario)).violations).not.toEqual([]);
  });
});

/** The n-th sync of the history fails, once. */
function failingSync(failsAt: number): Pick<PowerCutScenario, "syncFails"> {
  let count = 0;
  return { syncFails: () => count++ === failsAt };
}
