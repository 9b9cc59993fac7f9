import { parentPort, workerData } from "node:worker_threads";
import { liesAboutFdatasync, liesAboutSynchronousWrites, retriesFailedFsync, skipsDirectorySync } from "@kakera/disk";
import type { Disk } from "@kakera/kernel";
import { runPowerCuts } from "@kakera/simulator";
import type { PlantedBug, StoreJob, StoreJobReport } from "./store-jobs.ts";
import { storeScenario } from "./store-scenario.ts";

const plants: Record<PlantedBug, (disk: Disk) => Disk> = {
  "fdatasync that lies": liesAboutFdatasync,
  "synchronous writes that lie": liesAboutSynchronousWrites,
  "directory syncs left out": skipsDirectorySync,
  "a failed sync tried again": retriesFailedFsync,
};

const job = workerData as StoreJob;
let syncCount = 0;
const report = await runPowerCuts({
  ...storeScenario(job),
  positionShare: job.positionShare,
  secondCutsPerImage: job.secondCutsPerImage,
  syncFails: () => syncCount++ === job.failsAtSync,
  ...(job.bug === null ? {} : { plant: plants[job.bug], stopsAfter: "first-violation" as const }),
});
parentPort?.postMessage({ ...report, job, syncCount } satisfies StoreJobReport);
