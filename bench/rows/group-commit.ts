import { growthByDrive, scrape, total, type Metrics } from "../load/metrics.ts";
import { makeBucket, runLoad, type LoadResult } from "../load/run-load.ts";
import { compareInTurn, median } from "../load/rounds.ts";
import { runBeside } from "../load/run-beside.ts";
import { startKakera, type RunningServer } from "../load/servers.ts";
import { report, voidUnless } from "../load/verdict.ts";
import { watchSyncs } from "../load/watch-syncs.ts";
import type { RunPlan } from "./row.ts";

const bucket = "group-commit";
const sizeBytes = 4096;
const inFlight = 64;
/** Maintenance may sync something beside what the load asked for. */
const strayMax = 0.02;
let serial = 0;

/** How many acknowledged PUTs of 4 KiB share a sync of a drive, and how long one alone takes, measured in syncs. */
export async function groupCommit(plan: RunPlan): Promise<void> {
  const server = await startKakera();
  try {
    await makeBucket(server, bucket);
    await load(server, inFlight, plan.durationMs / 2);
    await sharing(server, plan);
    await askStrace(server);
    await alone(server, plan);
  } finally {
    await server.stop();
  }
}

async function load(server: RunningServer, concurrency: number, durationMs: number): Promise<LoadResult> {
  const spec = { operation: "put", sizeBytes, concurrency, objectCount: 0, payload: "signed" } as const;
  const result = await runLoad(server, { ...spec, bucket, durationMs, run: `g${serial++}` });
  voidUnless(result.wrongCount + result.errorCount === 0, `${result.errorCount} errors: ${result.firstError}`);
  return result;
}

/** Between two scrapes, by kind of sync. */
const syncsOf = (before: Metrics, after: Metrics) => ({
  segment: growthByDrive("kakera_drive_fdatasync_duration_seconds_count", before, after),
  segmentRecords: growthByDrive("kakera_drive_records_per_sync_sum", before, after),
  segmentSeconds: growthByDrive("kakera_drive_fdatasync_duration_seconds_sum", before, after),
  journal: growthByDrive("kakera_log_sync_duration_seconds_count", before, after),
  journalSeconds: growthByDrive("kakera_log_sync_duration_seconds_sum", before, after),
});

/** Of the drive that shares least, the median over the rounds. An object lies on three of the four drives. */
async function sharing(server: RunningServer, { roundCount, durationMs }: RunPlan): Promise<void> {
  const rounds: { segment: number; journal: number; both: number }[] = [];
  for (let round = 0; round < roundCount; round++) {
    const before = await scrape(server);
    const { requestCount } = await load(server, inFlight, durationMs);
    const { segment, segmentRecords, journal } = syncsOf(before, await scrape(server));
    const drives = [...segment.keys()];
    const least = (of: (drive: string) => number): number => Math.min(...drives.map(of));
    rounds.push({
      segment: least((drive) => (segmentRecords.get(drive) as number) / (segment.get(drive) as number)),
      journal: least((drive) => requestCount / (journal.get(drive) as number)),
      both: least((drive) => requestCount / ((segment.get(drive) as number) + (journal.get(drive) as number))),
    });
  }
  for (const kind of ["segment", "journal", "both"] as const) {
    const values = rounds.map((round) => round[kind]);
    report(
      `PUT 4KiB x${inFlight}, acknowledged for each ${kind === "both" ? "sync of either kind" : `${kind} sync`}`,
      median(values),
      {
        asked: kind === "both" ? "shown" : { atLeast: 8 },
        unit: "",
        detail: `of the drive with the least, rounds ${values.map((value) => value.toFixed(1)).join(" ")}`,
      },
    );
  }
}

/** The metric is believed because the kernel saw as many writes. */
async function askStrace(server: RunningServer): Promise<void> {
  const before = await scrape(server);
  let requestCount = 0;
  const seen = await watchSyncs(server.pid, async () => {
    ({ requestCount } = await load(server, inFlight, 1000));
  });
  const told = syncsOf(before, await scrape(server));
  for (const kind of ["segment", "journal"] as const) {
    const count = total(told[kind]);
    voidUnless(
      Math.abs(seen[kind] - count) <= 2 + count * strayMax,
      `strace: ${seen[kind]} ${kind} syncs, not ${count}`,
    );
  }
  const drives = told.journal.size;
  report("the same under strace, which saw the syncs that the metric counts", (requestCount * drives) / seen.journal, {
    asked: "shown",
    unit: " for each journal sync",
    detail: `${seen.segment} segment and ${seen.journal} journal syncs on ${drives} drives, ${requestCount} PUTs`,
  });
}

/** Against the medians of both syncs, made by a process that does nothing else, in turns with the load. */
async function alone(server: RunningServer, { roundCount, durationMs }: RunPlan): Promise<void> {
  const before = await scrape(server);
  const compared = await compareInTurn(
    roundCount,
    async () => (await load(server, 1, durationMs)).p50Ms,
    async () => {
      const probe = await runBeside<{ segmentMs: number; journalMs: number }>("sync-probe.ts", server.directory);
      return probe.segmentMs + probe.journalMs;
    },
  );
  const syncs = syncsOf(before, await scrape(server));
  const ownMs =
    (total(syncs.segmentSeconds) / total(syncs.segment) + total(syncs.journalSeconds) / total(syncs.journal)) * 1000;
  report("PUT 4KiB x1, p50 in one segment and one journal sync", compared.ratio, {
    asked: { atMost: 3 },
    unit: "x",
    detail:
      `${compared.ours.toFixed(2)} against ${compared.theirs.toFixed(2)} ms (the server's own mean, several drives at once: ` +
      `${ownMs.toFixed(2)}), rounds ${compared.rounds.map((ratio) => ratio.toFixed(2)).join(" ")}`,
  });
}
