/**
 * Replays what Milvus 2.6 does to its object store for 1,000,000 vectors of 768 floats (load, compaction, HNSW index, cold load, garbage
 * collection), as its three client libraries send it, against any S3 endpoint without TLS. Compares every byte; exit 1: the run is void.
 * Credentials: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; of the store that it is compared with, AGAINST_ACCESS_KEY_ID and
 * AGAINST_SECRET_ACCESS_KEY, where they are others.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { VoidRun } from "./calls.ts";
import { compareStores, type Comparison } from "./compare.ts";
import { replay, type ReplayFigures, type Store } from "./replay.ts";
import { diskRow, phaseHeader, phaseRow, totalRow } from "./report.ts";

const usage = `usage: node bench/milvus/main.ts --endpoints http://HOST:PORT[,...] [flags]

  --endpoints A,B        gateways of one store, by turns
  --factor 0.05          of the 1,000,000 rows (15 GB written); default 0.05
  --seed TEXT            decides every byte; default kakera
  --milvus 2.6|3.0       whose client the C++ parts are; default 2.6
  --woodpecker           the write-ahead log is on the store too (Milvus clusters); by itself with several endpoints
  --log-only             that log alone
  --data-dir DIR         of the store, repeatable: its bytes on disk are told
  --settle SECONDS       that the store has to give deleted bytes back; default 180
  --against A,B          another store: both are measured in turn (ABBA), and the ratios are told
  --against-data-dir DIR repeatable
  --rounds 1             of ABBA
  --json FILE            all figures`;

const { values } = parseArgs({
  options: {
    endpoints: { type: "string" },
    factor: { type: "string", default: "0.05" },
    seed: { type: "string", default: "kakera" },
    milvus: { type: "string", default: "2.6" },
    woodpecker: { type: "boolean", default: false },
    "log-only": { type: "boolean", default: false },
    "data-dir": { type: "string", multiple: true, default: [] },
    settle: { type: "string", default: "180" },
    against: { type: "string" },
    "against-data-dir": { type: "string", multiple: true, default: [] },
    rounds: { type: "string", default: "1" },
    json: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
const factor = Number(values.factor);
const { milvus } = values;
const endpoints = (values.endpoints ?? "").split(",").filter((endpoint) => endpoint !== "");
const isPlain = endpoints.length > 0 && endpoints.every((endpoint) => endpoint.startsWith("http://"));
if (values.help || !isPlain || !(factor > 0) || (milvus !== "2.6" && milvus !== "3.0")) {
  console.error(usage);
  process.exit(values.help ? 0 : 2);
}
const accessKey = process.env["AWS_ACCESS_KEY_ID"] ?? "minioadmin";
const secretKey = process.env["AWS_SECRET_ACCESS_KEY"] ?? "minioadmin";
const store: Store = { endpoints, credentials: { accessKey, secretKey }, dataDirectories: values["data-dir"] };
let serial = 0;

try {
  const figures = values.against === undefined ? await measure(store) : await compare(store, values.against);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(figures, null, 2)}\n`);
} catch (failure) {
  if (!(failure instanceof VoidRun)) throw failure;
  console.error(`void: ${failure.message}`);
  process.exitCode = 1;
}

async function measure(of: Store): Promise<ReplayFigures> {
  console.log(`\n${of.endpoints.join(", ")}\n${phaseHeader()}`);
  const hasLog = values.woodpecker || of.endpoints.length > 1;
  const figures = await replay(of, {
    factor,
    seed: `${values.seed}/${serial}`,
    bucket: `milvus-bench-${process.pid}-${serial++}`,
    milvus: milvus as "2.6" | "3.0",
    log: values["log-only"] ? "alone" : hasLog ? "woodpecker" : "elsewhere",
    settleWithinMs: Number(values.settle) * 1000,
    onPhase: (phase) => console.log(phaseRow(phase)),
  });
  console.log(totalRow(figures.phases));
  if (figures.disk !== null) console.log(diskRow(figures.disk));
  return figures;
}

async function compare(first: Store, against: string): Promise<Comparison> {
  const second: Store = {
    endpoints: against.split(","),
    credentials: {
      accessKey: process.env["AGAINST_ACCESS_KEY_ID"] ?? accessKey,
      secretKey: process.env["AGAINST_SECRET_ACCESS_KEY"] ?? secretKey,
    },
    dataDirectories: values["against-data-dir"],
  };
  const comparison = await compareStores(
    Number(values.rounds),
    () => measure(first),
    () => measure(second),
  );
  console.log(`\n${first.endpoints.join(", ")} by ${against}; below 1 the first is quicker, or smaller`);
  for (const { phase, seconds, p50, p99 } of comparison.ratios)
    console.log(`${phase.padEnd(18)} time ${seconds.toFixed(2)}, p50 ${p50.toFixed(2)}, p99 ${p99.toFixed(2)}`);
  if (comparison.disk !== null) console.log(`growth on disk     ${comparison.disk.toFixed(2)}`);
  return comparison;
}
