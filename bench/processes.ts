/**
 * What a second process brings: `node bench/processes.ts [--rounds 3] [--seconds 3]`. A server of one process and one of two, each on
 * every core, as the client is; they are measured in turn. Both hold the same objects.
 */
import { compareInTurn } from "./load/rounds.ts";
import { makeBucket, prefill, runLoad, type LoadResult, type LoadSpec } from "./load/run-load.ts";
import { startKakera, type RunningServer } from "./load/servers.ts";
import { formatSize } from "./load/table.ts";
import { voidUnless } from "./load/verdict.ts";

const option = (name: string, fallback: number): number => {
  const at = process.argv.indexOf(name);
  return at === -1 ? fallback : Number(process.argv[at + 1]);
};
const roundCount = option("--rounds", 3);
const durationMs = option("--seconds", 3) * 1000;
const bucket = "processes";
const everyCore = "0,1";
let serial = 0;

type Load = Omit<LoadSpec, "bucket" | "run" | "durationMs">;
const load = (operation: LoadSpec["operation"], sizeBytes: number, concurrency: number): Load => ({
  operation,
  sizeBytes,
  concurrency,
  objectCount: Math.min(1000, Math.floor((64 << 20) / sizeBytes)),
  payload: "signed",
});
const loads = [
  load("get", 1 << 10, 64),
  load("get", 4 << 10, 64),
  load("get", 64 << 10, 64),
  load("get", 1 << 20, 16),
  load("put", 1 << 10, 64),
  load("put", 4 << 10, 64),
  load("put", 1 << 20, 16),
];

async function measure(server: RunningServer, spec: Load): Promise<LoadResult> {
  const result = await runLoad(server, { ...spec, bucket, durationMs, run: `r${serial++}` });
  const { wrongCount, errorCount, firstError } = result;
  voidUnless(
    wrongCount + errorCount === 0,
    `${spec.operation}: ${wrongCount} wrong, ${errorCount} errors ${firstError}`,
  );
  return result;
}

async function servingCount({ host, port }: RunningServer): Promise<number> {
  const text = await (await fetch(`http://${host}:${port}/metrics`)).text();
  return Number(/^kakera_processes (\d+)$/m.exec(text)?.[1] ?? 1);
}

const one = await startKakera({ cores: everyCore });
const two = await startKakera({ cores: everyCore, args: ["--processes", "2"] });
try {
  while ((await servingCount(two)) < 2) await new Promise((resolve) => setTimeout(resolve, 50));
  for (const server of [one, two]) await makeBucket(server, bucket);
  for (const spec of loads) {
    const { operation, sizeBytes, objectCount } = spec;
    for (const server of [one, two]) {
      if (operation === "get") await prefill(server, { bucket, sizeBytes, objectCount, concurrency: 8 });
      await measure(server, spec);
    }
    const rates = { one: [] as number[], two: [] as number[] };
    const cpu = async (name: "one" | "two"): Promise<number> => {
      const result = await measure(name === "one" ? one : two, spec);
      rates[name].push(result.requestsPerSecond);
      return result.cpuMicrosecondsPerRequest as number;
    };
    const compared = await compareInTurn(
      roundCount,
      () => cpu("two"),
      () => cpu("one"),
    );
    const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
    const [before, after] = [mean(rates.one), mean(rates.two)];
    console.log(
      `${operation} ${formatSize(sizeBytes).padStart(6)} x${spec.concurrency}: two processes take ${compared.ratio.toFixed(2)}x the CPU ` +
        `(${compared.ours.toFixed(0)} us a request, ${compared.theirs.toFixed(0)}) and answer ${(after / before).toFixed(2)}x as many ` +
        `(${after.toFixed(0)}/s, ${before.toFixed(0)}/s)`,
    );
  }
} finally {
  await one.stop();
  await two.stop();
}
