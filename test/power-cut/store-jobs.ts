import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { PowerCutReport } from "@kakera/simulator";
import type { StoreWork } from "./store-scenario.ts";

export type PlantedBug =
  | "fdatasync that lies"
  | "synchronous writes that lie"
  | "directory syncs left out"
  | "a failed sync tried again";

/** One history and the cuts of it, as plain data for a worker thread. */
export interface StoreJob extends StoreWork {
  readonly positionShare: number;
  readonly secondCutsPerImage: number;
  /** The sync, counted over all drives, that fails with EIO; null: none does. */
  readonly failsAtSync: number | null;
  readonly bug: PlantedBug | null;
}

export interface StoreJobReport extends PowerCutReport {
  readonly job: StoreJob;
  /** How many syncs there were. */
  readonly syncCount: number;
}

const jobMinutesMax = 8;

/** Runs the jobs on as many threads as there are cores. Rejects when one cannot be finished. */
export async function runStoreJobs(jobs: readonly StoreJob[]): Promise<StoreJobReport[]> {
  const reports: StoreJobReport[] = [];
  const waiting = [...jobs];
  const runNext = async (): Promise<void> => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) reports.push(await runInWorker(job));
  };
  await Promise.all(Array.from({ length: availableParallelism() }, runNext));
  return reports;
}

function runInWorker(job: StoreJob): Promise<StoreJobReport> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./store-worker.ts", import.meta.url), { workerData: job, execArgv: [] });
    const name = `the job with seed ${job.seed}`;
    const timer = setTimeout(() => {
      reject(new Error(`${name} did not end within ${jobMinutesMax} minutes`));
      void worker.terminate();
    }, jobMinutesMax * 60_000);
    worker.once("message", (report: StoreJobReport) => resolve(report));
    worker.once("error", (error: unknown) => reject(new Error(`${name} failed`, { cause: error })));
    worker.once("exit", (code) => {
      clearTimeout(timer);
      reject(new Error(`${name} ended without a report (${code}): something in it waits for ever`));
    });
  });
}
