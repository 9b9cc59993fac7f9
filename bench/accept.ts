/**
 * The acceptance table: server CPU for each request against the bare server in the same run, ABBA order, three rounds,
 * medians. Server and client are pinned to a core each. A run with one wrong byte or one error is void.
 * Usage: node bench/accept.ts [--rows get-small,get,get-big,put,...] [--seconds 1.5] [--rounds 3]
 */
import { execFileSync } from "node:child_process";
import { makeBucket, prefill, runLoad, type LoadResult, type LoadSpec } from "./load/run-load.ts";
import { clientCore, startBare, startKakera, type RunningServer } from "./load/servers.ts";
import { formatSize } from "./load/table.ts";

const args = process.argv.slice(2);
const option = (name: string, fallback: string): string => {
  const at = args.indexOf(name);
  return at === -1 ? fallback : (args[at + 1] as string);
};
const durationMs = Number(option("--seconds", "1.5")) * 1000;
const roundCount = Number(option("--rounds", "3"));
const wanted = option("--rows", "get-small,get,get-big,put-small,put").split(",");
execFileSync("taskset", ["-cp", clientCore, String(process.pid)], { stdio: "ignore" });

interface Row {
  readonly group: string;
  readonly spec: Omit<LoadSpec, "bucket" | "run" | "durationMs">;
  /** null: this ratio is shown and not judged; what is asked of the row is another figure. */
  readonly ratioMax: number | null;
}

const KIB = 1 << 10;
const MIB = 1 << 20;
const read = (
  group: string,
  sizeBytes: number,
  given: { concurrency: number; objectCount: number; ratioMax: number },
): Row => ({
  group,
  spec: {
    operation: "get",
    sizeBytes,
    concurrency: given.concurrency,
    objectCount: given.objectCount,
    payload: "signed",
  },
  ratioMax: given.ratioMax,
});
const write = (group: string, sizeBytes: number, given: { concurrency: number; ratioMax: number | null }): Row => ({
  group,
  spec: { operation: "put", sizeBytes, concurrency: given.concurrency, objectCount: 0, payload: "signed" },
  ratioMax: given.ratioMax,
});
const rows: readonly Row[] = [
  read("get-small", KIB, { concurrency: 32, objectCount: 1000, ratioMax: 2.9 }),
  read("get-small", 4 * KIB, { concurrency: 32, objectCount: 1000, ratioMax: 2.9 }),
  read("get", 16 * KIB, { concurrency: 32, objectCount: 500, ratioMax: 4 }),
  read("get", 64 * KIB, { concurrency: 32, objectCount: 500, ratioMax: 4 }),
  read("get", 256 * KIB, { concurrency: 16, objectCount: 200, ratioMax: 4 }),
  read("get", MIB, { concurrency: 16, objectCount: 64, ratioMax: 4 }),
  read("get-big", 16 * MIB, { concurrency: 4, objectCount: 8, ratioMax: 2.6 }),
  read("get-big", 64 * MIB, { concurrency: 1, objectCount: 4, ratioMax: 2.6 }),
  write("put-small", 4 * KIB, { concurrency: 64, ratioMax: 6 }),
  write("put-small", 16 * KIB, { concurrency: 64, ratioMax: 6 }),
  write("put-small", 64 * KIB, { concurrency: 64, ratioMax: 6 }),
  write("put-small", 256 * KIB, { concurrency: 64, ratioMax: 6 }),
  write("put", 16 * MIB, { concurrency: 1, ratioMax: null }),
  write("put", 64 * MIB, { concurrency: 4, ratioMax: null }),
];

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number;
const bucket = "accept";
let serial = 0;

async function measure(server: RunningServer, row: Row): Promise<LoadResult> {
  const result = await runLoad(server, { ...row.spec, bucket, durationMs, run: `r${serial++}` });
  if (result.wrongCount + result.errorCount > 0)
    throw new Error(
      `void: ${result.wrongCount} wrong, ${result.errorCount} errors at ${row.group} ${row.spec.sizeBytes}`,
    );
  return result;
}

async function measureRow(ours: RunningServer, bare: RunningServer, row: Row): Promise<void> {
  if (row.spec.operation === "get")
    await prefill(ours, { bucket, sizeBytes: row.spec.sizeBytes, objectCount: row.spec.objectCount, concurrency: 4 });
  await runLoad(ours, { ...row.spec, bucket, durationMs: durationMs / 2, run: `w${serial++}` });
  await runLoad(bare, { ...row.spec, bucket, durationMs: durationMs / 2, run: `w${serial++}` });
  const ratios: number[] = [];
  const ourCpu: number[] = [];
  let last: LoadResult | null = null;
  for (let round = 0; round < roundCount; round++) {
    const [a1, b1, b2, a2] = [
      await measure(ours, row),
      await measure(bare, row),
      await measure(bare, row),
      await measure(ours, row),
    ];
    const mine = (a1.cpuMicrosecondsPerRequest as number) + (a2.cpuMicrosecondsPerRequest as number);
    const theirs = (b1.cpuMicrosecondsPerRequest as number) + (b2.cpuMicrosecondsPerRequest as number);
    ratios.push(mine / theirs);
    ourCpu.push(mine / 2);
    last = a2;
  }
  const ratio = median(ratios);
  const verdict = row.ratioMax === null ? "shown " : ratio <= row.ratioMax ? "met   " : "MISSED";
  console.log(
    `${verdict} ${row.spec.operation} ${formatSize(row.spec.sizeBytes).padStart(6)} x${row.spec.concurrency}: ${ratio.toFixed(2)}x bare (${row.ratioMax === null ? "not judged by this ratio" : `accept <= ${row.ratioMax}`}), ` +
      `${median(ourCpu).toFixed(0)} us/request, ${last?.requestsPerSecond.toFixed(0)} req/s, p50 ${last?.p50Ms.toFixed(2)} ms, rounds ${ratios.map((value) => value.toFixed(2)).join(" ")}`,
  );
}

const ours = await startKakera();
const bare = await startBare();
try {
  await makeBucket(ours, bucket);
  for (const row of rows) if (wanted.includes(row.group)) await measureRow(ours, bare, row);
} finally {
  await ours.stop();
  await bare.stop();
}
