/**
 * A cluster on one machine: `node bench/cluster.ts --etcd URL [--nodes 6] [--seconds 4]`. All nodes share every core with the client, so that
 * rates say little; what is compared is CPU for each request, of all nodes and of those that a request only reaches by a hop, and latencies:
 * healthy, with a node whose reads are held for 2 s, with one node killed, and with two. One client, through the first node.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cpuMicroseconds } from "./load/cpu.ts";
import { makeBucket, prefill, runLoad, type LoadResult, type LoadSpec } from "./load/run-load.ts";
import { freePort, startKakera, type RunningServer } from "./load/servers.ts";
import { formatSize } from "./load/table.ts";

const option = (name: string): string | undefined => {
  const at = process.argv.indexOf(name);
  return at === -1 ? undefined : process.argv[at + 1];
};
const etcd = option("--etcd");
if (etcd === undefined) throw new Error("--etcd URL is wanted: an etcd that may be filled");
const nodeCount = Number(option("--nodes") ?? 6);
const durationMs = Number(option("--seconds") ?? 4) * 1000;
const bucket = "cluster";
const everyCore = "0,1";
/** Until a node that was killed is declared down, and what is under way has ended. */
const settleMs = 15_000;
let serial = 0;

type Load = Pick<LoadSpec, "operation" | "sizeBytes" | "concurrency" | "objectCount">;
const load = (operation: LoadSpec["operation"], sizeBytes: number, concurrency: number): Load => {
  return { operation, sizeBytes, concurrency, objectCount: Math.min(200, Math.floor((64 << 20) / sizeBytes)) };
};
const loads = [
  load("get", 4 << 10, 8),
  load("get", 64 << 10, 8),
  load("get", 1 << 20, 4),
  load("get", 16 << 20, 2),
  load("put", 4 << 10, 8),
  load("put", 64 << 10, 8),
  load("put", 1 << 20, 4),
];

interface Row extends LoadResult {
  /** Of all nodes, for each request. */
  readonly cpuUs: number;
  /** Part of it in other nodes than the one that was asked. */
  readonly hopShare: number;
}

const directory = mkdtempSync(join(tmpdir(), "kakera-bench-cluster-"));
const nodes = await startNodes();
const living = [...nodes];
try {
  const [gateway, slow] = [nodes[0] as RunningServer, nodes.at(-1) as RunningServer];
  await makeBucket(gateway, bucket);
  for (const { operation, sizeBytes, objectCount } of loads)
    if (operation === "get") await prefill(gateway, { bucket, sizeBytes, objectCount, concurrency: 4 });
  // What runs for the first time is slow: it would make all that follows look good.
  await measureAll("to warm up", gateway, null);
  const healthy = await measureAll("healthy", gateway, null);
  const mark = join(slow.directory, "drive1", "hold-reads");
  writeFileSync(mark, "");
  await measureAll("a slow node", gateway, healthy);
  rmSync(mark);
  for (const sentence of ["one node killed", "two nodes killed"]) {
    const victim = living.pop() as RunningServer;
    await victim.kill();
    await new Promise((resolve) => setTimeout(resolve, settleMs));
    await measureAll(sentence, gateway, healthy);
  }
} finally {
  await Promise.all(living.map((node) => node.kill()));
  rmSync(directory, { recursive: true, force: true });
}

async function startNodes(): Promise<RunningServer[]> {
  const prefix = `/bench-cluster-${Date.now()}/`;
  const started = Array.from({ length: nodeCount }, async (_, index) =>
    startKakera({
      cores: everyCore,
      driveCount: 1,
      directory: folderOf(index),
      args: [
        "--etcd",
        etcd as string,
        "--etcd-prefix",
        prefix,
        "--expect-domains",
        String(nodeCount),
        "--host",
        `node${index + 1}`,
        "--node-address",
        `127.0.0.1:${await freePort()}`,
      ],
      environment: {
        KAKERA_CLUSTER_SECRET: "a secret of the nodes of a bench alone",
        ...(index === nodeCount - 1 ? { KAKERA_TEST_SETTINGS: JSON.stringify({ heldReadMs: 2_000 }) } : {}),
      },
    }),
  );
  return Promise.all(started);
}

async function measureAll(
  situation: string,
  gateway: RunningServer,
  healthy: readonly Row[] | null,
): Promise<readonly Row[]> {
  console.log(`\n${situation}`);
  const rows: Row[] = [];
  for (const [index, spec] of loads.entries()) {
    const row = await measure(gateway, spec);
    rows.push(row);
    const base = healthy?.[index];
    const times = (value: (of: Row) => number): string =>
      base === undefined ? "" : ` (${(value(row) / value(base)).toFixed(2)}x)`;
    const errors =
      row.errorCount + row.wrongCount === 0
        ? ""
        : `; ${row.wrongCount} wrong, ${row.errorCount} errors ${row.firstError}`;
    console.log(
      `  ${spec.operation} ${formatSize(spec.sizeBytes).padStart(7)} x${spec.concurrency}: ` +
        `CPU ${row.cpuUs.toFixed(0)} us${times((of) => of.cpuUs)}, ${(row.hopShare * 100).toFixed(0)} % of it beyond the gateway; ` +
        `p50 ${row.p50Ms.toFixed(1)} ms${times((of) => of.p50Ms)}, p99 ${row.p99Ms.toFixed(1)} ms${times((of) => of.p99Ms)}${errors}`,
    );
  }
  return rows;
}

async function measure(gateway: RunningServer, spec: Load): Promise<Row> {
  const cpu = (): number[] => living.map(({ pid }) => cpuMicroseconds(pid));
  const before = cpu();
  const result = await runLoad(gateway, { ...spec, bucket, durationMs, payload: "signed", run: `r${serial++}` });
  const spent = cpu().map((after, index) => after - (before[index] as number));
  const total = spent.reduce((sum, part) => sum + part, 0);
  const beyond = total - (spent[0] as number);
  return { ...result, cpuUs: total / Math.max(1, result.requestCount), hopShare: beyond / Math.max(1, total) };
}

function folderOf(index: number): string {
  const folder = join(directory, `node${index + 1}`);
  mkdirSync(folder);
  return folder;
}
