import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cpuMicroseconds } from "../load/cpu.ts";
import { onConnections } from "../load/each-connection.ts";
import { millionBodyBytes, millionBucket, openMillion } from "../load/million.ts";
import { milvusKey } from "../load/milvus-keys.ts";
import { patternFor } from "@kakera/load";
import { makeBucket, prefill, runLoad } from "../load/run-load.ts";
import { median } from "../load/rounds.ts";
import { startKakera, type RunningServer } from "../load/servers.ts";
import { createSigner, emptyHash } from "../load/signer.ts";
import { report, voidUnless } from "../load/verdict.ts";
import type { RunPlan } from "./row.ts";

const bucket = "ready";
/** Together 1,000 objects: in segments as whole copies, and coded. */
const sizes = [4096, 65_536];
const objectsOfEachSize = 500;
const samples = 1000;
/** Of the writes before SIGKILL. */
const workMs = 500;

type Ending = "stop" | "kill";

/** From the start of bin/kakera to the first good answer of /health/ready, for a folder that was in use before. */
export async function ready(plan: RunPlan): Promise<void> {
  await readyWithThousand(plan);
  await readyWithMillion(plan);
}

async function readyWithThousand({ roundCount }: RunPlan): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "kakera-bench-ready-"));
  try {
    const server = await startKakera({ directory });
    await makeBucket(server, bucket);
    for (const sizeBytes of sizes)
      await prefill(server, { bucket, sizeBytes, objectCount: objectsOfEachSize, concurrency: 16 });
    const starts = await restart(server, { roundCount, check: readThousand });
    tell("1,000 objects", { starts, stopAtMost: 2, killAtMost: 4 });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function readyWithMillion(plan: RunPlan): Promise<void> {
  const million = await openMillion(plan.millionDirectory, plan.objectCount);
  const work = mkdtempSync(join(tmpdir(), "kakera-bench-ready-"));
  const directory = join(work, "data");
  try {
    cpSync(million.directory, directory, { recursive: true, preserveTimestamps: true });
    million.discard();
    const server = await startKakera({ directory });
    await makeBucket(server, bucket);
    const check = (restarted: RunningServer): Promise<void> => sampleMillion(restarted, million.count);
    const starts = await restart(server, { roundCount: plan.roundCount, check });
    tell(`${million.count.toLocaleString("en")} objects`, { starts, stopAtMost: 10, killAtMost: 10 });
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Of each start. */
interface Start {
  readonly seconds: number;
  readonly cpuSeconds: number;
}

type Starts = Readonly<Record<Ending, Start[]>>;

/** Ends and starts the server in both ways by turns; each start is checked by reading what it must still have. */
async function restart(
  first: RunningServer,
  plan: { readonly roundCount: number; readonly check: (server: RunningServer) => Promise<void> },
): Promise<Starts> {
  const { directory } = first;
  const starts: Starts = { stop: [], kill: [] };
  let server = first;
  for (let round = 0; round < plan.roundCount; round++) {
    for (const ending of ["stop", "kill"] as const) {
      await (ending === "stop" ? server.stop() : killAtWork(server));
      server = await startKakera({ directory });
      starts[ending].push({ seconds: server.readySeconds, cpuSeconds: cpuMicroseconds(server.pid) / 1e6 });
      await plan.check(server);
    }
  }
  await server.stop();
  return starts;
}

/** SIGKILL while writes are in flight; these fail, and nothing is asked of them. */
async function killAtWork(server: RunningServer): Promise<void> {
  const spec = { operation: "put", sizeBytes: 4096, concurrency: 16, objectCount: 0, payload: "signed" } as const;
  const run = `killed-${Date.now()}`;
  const writes = runLoad(server, { ...spec, bucket, durationMs: 60_000, run }).then(
    () => voidUnless(false, "the writes went on after SIGKILL"),
    () => {},
  );
  await new Promise((resolve) => setTimeout(resolve, workMs));
  await server.kill();
  await writes;
}

async function readThousand(server: RunningServer): Promise<void> {
  for (const sizeBytes of sizes) {
    // The load's order visits each of so many objects once.
    const spec = { operation: "get", sizeBytes, objectCount: objectsOfEachSize, payload: "signed" } as const;
    const bounds = { concurrency: 8, durationMs: 60_000, requestCountMax: objectsOfEachSize };
    const { requestCount, wrongCount, errorCount } = await runLoad(server, { ...spec, ...bounds, bucket, run: "" });
    const isWhole = requestCount === objectsOfEachSize && wrongCount + errorCount === 0;
    voidUnless(isWhole, `${requestCount} read back, ${wrongCount} wrong, ${errorCount} errors`);
  }
}

async function sampleMillion(server: RunningServer, count: number): Promise<void> {
  const signer = createSigner(`${server.host}:${server.port}`, server);
  await onConnections(server, { count: samples, concurrency: 8 }, async (connection, index) => {
    const key = milvusKey(Math.floor((index * count) / samples));
    const target = `/${millionBucket}/${key}`;
    const head = signer.head({ method: "GET", target, contentLength: null, payloadHash: emptyHash });
    const reply = await connection.request(head, null, { body: patternFor(key, millionBodyBytes) });
    voidUnless(reply.status === 200 && reply.isRight, `${key} after the start: ${reply.status}`);
  });
}

function tell(
  objects: string,
  given: { readonly starts: Starts; readonly stopAtMost: number; readonly killAtMost: number },
): void {
  const endings = [
    ["a clean stop", given.starts.stop, given.stopAtMost],
    ["SIGKILL among writes", given.starts.kill, given.killAtMost],
  ] as const;
  for (const [ending, starts, atMost] of endings) {
    report(`ready again after ${ending}, ${objects}`, median(starts.map(({ seconds }) => seconds)), {
      asked: { atMost },
      unit: " s",
      detail:
        `starts ${starts.map(({ seconds }) => seconds.toFixed(2)).join(" ")}, ` +
        `CPU ${starts.map(({ cpuSeconds }) => cpuSeconds.toFixed(2)).join(" ")} s`,
    });
  }
}
