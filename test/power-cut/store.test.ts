import { describe, expect, it } from "vitest";
import { countFor } from "../harness/length.ts";
import { runStoreJobs, type PlantedBug, type StoreJob, type StoreJobReport } from "./store-jobs.ts";

const base: Omit<StoreJob, "seed"> = {
  driveCount: 3,
  lifeCount: 2,
  stepsPerLife: 25,
  absentShare: 0.3,
  maintainedShare: 0,
  positionShare: 1,
  secondCutsPerImage: 1,
  failsAtSync: null,
  bug: null,
};

// With one of two drives missing the journal waits for the operator's word.
const twoDrives = { driveCount: 2, settings: { geometry: { k: 1, m: 1 } }, absentShare: 0 };
const fiveDrives = { driveCount: 5, settings: { geometry: { k: 3, m: 2 } } };

/** How many of the moments of each history, beside what the history itself says. */
const share = countFor({ whole: 1, ci: 1, here: 0.25 });

describe("a store whose power is cut at every moment", () => {
  it("keeps what it acknowledged, keeps deleted what it deleted, and forgets nothing that it has shown", async () => {
    const jobs: StoreJob[] = [
      { ...base, seed: 1, positionShare: 0.55 * share },
      { ...base, seed: 2, ...twoDrives, lifeCount: 3, positionShare: 0.55 * share },
      { ...base, seed: 3, lifeCount: 4, stepsPerLife: 12, positionShare: 0.4 * share, maintainedShare: 0.1 },
      { ...base, seed: 4, driveCount: 4, positionShare: 0.4 * share, maintainedShare: 0.1 },
      { ...base, seed: 5, ...fiveDrives, positionShare: 0.15 * share },
    ];
    const reports = await runStoreJobs(jobs);
    expect(violationsOf(reports)).toEqual([]);
    const imageCount = sum(reports, (report) => report.imageCount);
    const acknowledgedCount = sum(reports, (report) => report.acknowledgedCount);
    console.log(
      `power-cut: ${imageCount} images opened, ${acknowledgedCount} acknowledged changes, ${jobs.length} histories`,
    );
    expect(imageCount).toBeGreaterThan(8_000 * share);
    expect(acknowledgedCount).toBeGreaterThan(180);
  });

  it("takes a sync that fails seriously, whichever it is", async () => {
    const fails = [8, 60, 95, 130, 170, 210];
    const jobs = fails.map((failsAtSync, index) => {
      const drives = index % 3 === 2 ? twoDrives : { driveCount: 3 + (index % 2) };
      return {
        ...base,
        ...drives,
        seed: 20 + index,
        failsAtSync,
        lifeCount: 3,
        positionShare: 0.04 * share,
        absentShare: 0,
        maintainedShare: 0.1,
      };
    });
    const reports = await runStoreJobs(jobs);
    expect(violationsOf(reports)).toEqual([]);
    expect(reports.every((report) => report.syncCount > (report.job.failsAtSync ?? 0))).toBe(true);
  });

  it("is seen to lose what it acknowledged over every planted bug", async () => {
    const planted = (bug: PlantedBug, seed: number, failsAtSync: number | null = null): StoreJob => {
      return { ...base, seed, bug, failsAtSync, lifeCount: 3, positionShare: 0.5 };
    };
    const reports = await runStoreJobs([
      planted("fdatasync that lies", 40),
      planted("synchronous writes that lie", 41),
      planted("directory syncs left out", 42),
      // The loss of one sync may be covered by what the other drives hold: not of all of these.
      ...[54, 62, 82, 96].map((failsAtSync) => planted("a failed sync tried again", 43, failsAtSync)),
    ]);
    const seen = new Set(reports.filter(({ violations }) => violations.length > 0).map(({ job }) => job.bug));
    const found = [...new Set(reports.map(({ job }) => job.bug))].map(
      (bug) => `${bug}: ${seen.has(bug) ? "seen" : "not seen"}`,
    );
    expect(found.sort()).toEqual([
      "a failed sync tried again: seen",
      "directory syncs left out: seen",
      "fdatasync that lies: seen",
      "synchronous writes that lie: seen",
    ]);
  });
});

/** The first few of each job, with what is needed to run it again. */
function violationsOf(reports: readonly StoreJobReport[]): string[] {
  return reports.flatMap(({ job, violations }) =>
    violations.slice(0, 3).map((line) => `${JSON.stringify(job)}: ${line.slice(0, 500)}`),
  );
}

function sum(reports: readonly StoreJobReport[], of: (report: StoreJobReport) => number): number {
  return reports.reduce((total, report) => total + of(report), 0);
}
