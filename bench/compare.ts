/**
 * Two stores in turn (ABBA, three rounds), by the same load: `node bench/compare.ts URL --pids 1,2 --against URL --against-pids 3,4
 * [--sizes 4KiB,1MiB] [--operations get,put] [--concurrency 8] [--seconds 3] [--rounds 3]`. Rate, p50 and p99 of each and their ratios;
 * CPU for each request too where the processes are named, all of a cluster's that is. Reads are of what was put before.
 * Credentials: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, of both. Uses and leaves a bucket named kakera-compare.
 */
import { parseArgs } from "node:util";
import { cpuMicroseconds } from "./load/cpu.ts";
import { median } from "./load/rounds.ts";
import { makeBucket, prefill, runLoad, type LoadResult, type LoadSpec, type Target } from "./load/run-load.ts";
import { formatSize, parseSize } from "./load/table.ts";
import { voidUnless } from "./load/verdict.ts";

interface Contender {
  readonly name: string;
  readonly target: Target;
  readonly pids: readonly number[];
}

type Figures = Pick<LoadResult, "requestsPerSecond" | "p50Ms" | "p99Ms"> & { readonly cpuUs: number | null };

const bucket = "kakera-compare";
const prefilledBytesMax = 256 << 20;
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    pids: { type: "string", default: "" },
    against: { type: "string" },
    "against-pids": { type: "string", default: "" },
    sizes: { type: "string", default: "4KiB,64KiB,1MiB,16MiB" },
    operations: { type: "string", default: "get,put" },
    concurrency: { type: "string", default: "8" },
    seconds: { type: "string", default: "3" },
    rounds: { type: "string", default: "3" },
  },
});
if (positionals.length !== 1 || values.against === undefined) {
  console.error(
    "usage: node bench/compare.ts http://HOST:PORT --against http://HOST:PORT [--pids 1,2] [--against-pids 3,4]",
  );
  process.exit(2);
}
const durationMs = Number(values.seconds) * 1000;
const ours = contender(positionals[0] as string, values.pids);
const theirs = contender(values.against, values["against-pids"]);
let serial = 0;

for (const { target } of [ours, theirs]) await makeBucket(target, bucket);
for (const sizeBytes of values.sizes.split(",").map(parseSize)) {
  const objectCount = Math.max(4, Math.min(200, Math.floor(prefilledBytesMax / sizeBytes)));
  for (const operation of values.operations.split(",") as LoadSpec["operation"][]) {
    // As many bytes in flight as the machine bears.
    const concurrency = Math.max(2, Math.min(Number(values.concurrency), Math.floor((32 << 20) / sizeBytes)));
    const load = { operation, sizeBytes, concurrency, objectCount };
    if (operation !== "put") for (const { target } of [ours, theirs]) await prefill(target, { ...load, bucket });
    await compare(load);
  }
}

function contender(url: string, pids: string): Contender {
  const { hostname, port, host } = new URL(url);
  const accessKey = process.env["AWS_ACCESS_KEY_ID"] ?? "minioadmin";
  const secretKey = process.env["AWS_SECRET_ACCESS_KEY"] ?? "minioadmin";
  const target = { host: hostname, port: Number(port === "" ? 80 : port), accessKey, secretKey, pid: null };
  return { name: host, target, pids: pids.split(",").filter(Boolean).map(Number) };
}

async function compare(load: Pick<LoadSpec, "operation" | "sizeBytes" | "concurrency" | "objectCount">): Promise<void> {
  const [mine, others]: [Figures[], Figures[]] = [[], []];
  for (const each of [ours, theirs]) await measure(each, load, durationMs / 3);
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const [each, figures] of [
      [ours, mine],
      [theirs, others],
      [theirs, others],
      [ours, mine],
    ] as const)
      figures.push(await measure(each, load, durationMs));
  }
  const of = (figures: readonly Figures[], value: (of: Figures) => number | null): number =>
    median(figures.map((each) => value(each) ?? Number.NaN));
  const column = (what: string, unit: string, value: (of: Figures) => number | null): string => {
    const [a, b] = [of(mine, value), of(others, value)];
    if (Number.isNaN(a) || Number.isNaN(b)) return "";
    const digits = a < 10 || b < 10 ? 1 : 0;
    return `; ${what} ${a.toFixed(digits)} and ${b.toFixed(digits)}${unit} (${(a / b).toFixed(2)}x)`;
  };
  console.log(
    `${load.operation} ${formatSize(load.sizeBytes)} x${load.concurrency}` +
      column("rate", "/s", ({ requestsPerSecond }) => requestsPerSecond) +
      column("CPU", " us", ({ cpuUs }) => cpuUs) +
      column("p50", " ms", ({ p50Ms }) => p50Ms) +
      column("p99", " ms", ({ p99Ms }) => p99Ms),
  );
}

async function measure(
  { name, target, pids }: Contender,
  load: Pick<LoadSpec, "operation" | "sizeBytes" | "concurrency" | "objectCount">,
  forMs: number,
): Promise<Figures> {
  const cpu = (): number => pids.reduce((sum, pid) => sum + cpuMicroseconds(pid), 0);
  const before = cpu();
  const run = `${process.pid}-${serial++}`;
  const result = await runLoad(target, { ...load, bucket, durationMs: forMs, payload: "signed", run });
  voidUnless(result.wrongCount + result.errorCount === 0, `${name}: ${result.errorCount} errors: ${result.firstError}`);
  return { ...result, cpuUs: pids.length === 0 ? null : (cpu() - before) / result.requestCount };
}
