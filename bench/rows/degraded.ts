import { existsSync, readdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { openConnection } from "@kakera/load";
import { scrape } from "../load/metrics.ts";
import { objectName, makeBucket, prefill, runLoad } from "../load/run-load.ts";
import { patternFor } from "@kakera/load";
import { compareInTurn } from "../load/rounds.ts";
import { startKakera, type RunningServer } from "../load/servers.ts";
import { createSigner } from "../load/signer.ts";
import { report, voidUnless } from "../load/verdict.ts";
import type { RunPlan } from "./row.ts";

const MIB = 1 << 20;
const bucket = "degraded";
const dataShards = 2;
/** Not the first: the server keeps its view there. */
const lostDrive = "drive3";
const putsMax = 30;
const offlineWithinMs = 60_000;
const loads = [
  { sizeBytes: 16 * MIB, concurrency: 4, objectCount: 8 },
  { sizeBytes: 64 * MIB, concurrency: 1, objectCount: 4 },
];

/** GET of objects that all lack a data shard, because its drive is gone, against the same of a server that has all. */
export async function degraded(plan: RunPlan): Promise<void> {
  const healthy = await startKakera();
  const short = await startKakera();
  try {
    for (const server of [healthy, short]) await makeBucket(server, bucket);
    for (const load of loads) {
      await prefill(healthy, { bucket, ...load });
      for (let index = 0; index < load.objectCount; index++)
        await putWithDataOnLostDrive(short, objectName(load.sizeBytes, index), load.sizeBytes);
    }
    await loseDrive(short);
    for (const load of loads) await compareWithHealthy({ healthy, short }, load, plan);
  } finally {
    await healthy.stop();
    await short.stop();
  }
}

/** Puts the object again, with the fresh place that each body gets, until one of its data shards lies there. */
async function putWithDataOnLostDrive(server: RunningServer, name: string, sizeBytes: number): Promise<void> {
  const connection = await openConnection(server.host, server.port);
  const signer = createSigner(`${server.host}:${server.port}`, server);
  const payloadHash = "UNSIGNED-PAYLOAD";
  const known = new Set(shardsOn(server));
  for (let puts = 0; puts < putsMax; puts++) {
    const head = signer.head({ method: "PUT", target: `/${bucket}/${name}`, contentLength: sizeBytes, payloadHash });
    const { status } = await connection.request(head, patternFor(name, sizeBytes), {});
    voidUnless(status === 200, `PUT of ${name}: ${status}`);
    const fresh = shardsOn(server).filter((shard) => !known.has(shard));
    voidUnless(fresh.length === 1, `${fresh.length} shards came to ${lostDrive}`);
    known.add(fresh[0] as string);
    // DATA-CHUNK-SHARD-GROUP-SEQUENCE, hexadecimal.
    if (Number.parseInt((fresh[0] as string).split("-")[2] as string, 16) < dataShards) return connection.close();
  }
  voidUnless(false, `no data shard came to ${lostDrive} in ${putsMax} PUTs`);
}

function shardsOn(server: RunningServer): string[] {
  const folder = join(server.directory, lostDrive, "shards");
  if (!existsSync(folder)) return [];
  return readdirSync(folder).flatMap((name) => readdirSync(join(folder, name)));
}

/** Takes the folder away under the running server, and waits until it knows. */
async function loseDrive(server: RunningServer): Promise<void> {
  renameSync(join(server.directory, lostDrive), join(server.directory, "taken-away"));
  const untilMs = performance.now() + offlineWithinMs;
  for (;;) {
    const states = [...(await scrape(server))].filter(([series]) => series.startsWith("kakera_drive_state{"));
    const lost = states.filter(([series, value]) => value === 1 && /state="(offline|failed)"/.test(series));
    if (lost.length === 1) return;
    voidUnless(performance.now() < untilMs, "the server does not see that the drive is gone");
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

async function compareWithHealthy(
  { healthy, short }: { readonly healthy: RunningServer; readonly short: RunningServer },
  load: (typeof loads)[number],
  { roundCount, durationMs }: RunPlan,
): Promise<void> {
  const cost = async (server: RunningServer, forMs: number): Promise<number> => {
    const spec = { operation: "get", payload: "signed", ...load } as const;
    const result = await runLoad(server, { ...spec, bucket, durationMs: forMs, run: "" });
    const { wrongCount, errorCount, firstError } = result;
    voidUnless(wrongCount + errorCount === 0, `${wrongCount} wrong, ${errorCount} errors: ${firstError}`);
    return (result.cpuMicrosecondsPerRequest as number) / 1000 / (load.sizeBytes / MIB);
  };
  for (const server of [short, healthy]) await cost(server, durationMs / 2);
  const compared = await compareInTurn(
    roundCount,
    () => cost(short, durationMs),
    () => cost(healthy, durationMs),
  );
  report(`GET ${load.sizeBytes / MIB}MiB x${load.concurrency}, a data shard missing, CPU`, compared.ratio, {
    asked: { atMost: 1.3 },
    unit: "x healthy",
    detail:
      `${compared.ours.toFixed(2)} against ${compared.theirs.toFixed(2)} ms/MiB, ` +
      `rounds ${compared.rounds.map((ratio) => ratio.toFixed(2)).join(" ")}`,
  });
}
