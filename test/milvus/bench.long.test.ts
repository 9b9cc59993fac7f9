import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server } from "node:net";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestCluster } from "../harness/cluster.ts";
import { obtainEtcd } from "../harness/etcd/obtain-etcd.ts";
import { hasProgram } from "../harness/needs.ts";
import { run, runWell, type Ran } from "../harness/run.ts";
import { root, startServer, testCredentials, type TestServer } from "../harness/server.ts";
import type { ReplayFigures } from "../../bench/milvus/replay.ts";

const env = { AWS_ACCESS_KEY_ID: testCredentials.accessKey, AWS_SECRET_ACCESS_KEY: testCredentials.secretKey };
const bench = join(root, "bench", "milvus");
const replay = (...args: string[]): Promise<Ran> => run(process.execPath, [join(bench, "main.ts"), ...args], { env });
const isEtcdHere = (await obtainEtcd("current", "milvus bench on a cluster")) !== null;

describe("the replay of Milvus' workload", () => {
  let server: TestServer;
  let work: string;

  beforeAll(async () => {
    server = await startServer();
    work = mkdtempSync(join(tmpdir(), "kakera-milvus-bench-"));
  });
  afterAll(async () => {
    await server.dispose();
    rmSync(work, { recursive: true, force: true });
  });

  test("at a twentieth of a million vectors: every byte is right, and its figures are these", async () => {
    const json = join(work, "figures.json");
    const place = ["--data-dir", server.directory, "--settle", "0"];
    const ran = await replay("--endpoints", server.endpoint, "--factor", "0.05", ...place, "--json", json);
    expect(`${ran.stderr}${ran.status}`).toBe("0");
    console.log(ran.stdout.toString());
    const { phases, disk } = JSON.parse(readFileSync(json, "utf8")) as ReplayFigures;
    expect(phases.map(({ phase }) => phase.split(" ")[0])).toEqual([
      "A",
      "A'",
      "B",
      "C",
      "D",
      "E",
      "F",
      "S",
      "S'",
      "G",
      "H",
    ]);
    for (const { requests, seconds, p99Ms, p50Ms } of phases) {
      expect(Math.min(requests, seconds, p50Ms)).toBeGreaterThan(0);
      expect(p99Ms).toBeGreaterThanOrEqual(p50Ms);
    }
    // What a store of 2+2 has to hold at least.
    expect(disk?.bytesBeforeCollection).toBeGreaterThan(2 * (disk?.liveBytes ?? 0));
  });

  test("is void with one wrong byte, says where, and exits 1", async () => {
    const liar = await startLiar(server.port);
    const { port } = liar.address() as AddressInfo;
    const ran = await replay("--endpoints", `http://127.0.0.1:${port}`, "--factor", "0.01");
    liar.close();
    expect(ran.stderr).toMatch(/^void: GET \/milvus-bench-\S+: wrong bytes/);
    expect(ran.status).toBe(1);
  });

  test("without a store to replay it against, says how it is called", async () => {
    const ran = await replay();
    expect([ran.status, ran.stderr]).toEqual([2, expect.stringContaining("--endpoints")]);
  });

  test.skipIf(!isEtcdHere)("of the log alone, on a cluster, through two gateways by turns", async () => {
    await using cluster = await TestCluster.start({ nodeCount: 3, drivesPerNode: 1 });
    const endpoints = cluster.nodes.slice(0, 2).map((node) => node.server.endpoint);
    const ran = await replay("--endpoints", endpoints.join(","), "--factor", "0.02", "--log-only");
    expect(`${ran.stderr}${ran.status}`).toBe("0");
    expect(ran.stdout.toString()).toMatch(/^W append .*\n^W' compaction .*\n^H drop /m);
  });
});

test.skipIf(!hasProgram("python3", "milvus load_bench"))(
  "load_bench.py is a program, and tells its flags",
  async () => {
    const script = join(bench, "load_bench.py");
    await runWell("python3", ["-c", `compile(open("${script}").read(), "load_bench.py", "exec")`]);
    const { stdout } = await runWell("python3", [script, "--help"]);
    for (const flag of ["--uri", "--rows", "--dimensions", "--data-dir", "--json"])
      expect(stdout.toString()).toContain(flag);
  },
);

/** Passes everything on, but for one bit of the first long answer. */
async function startLiar(port: number): Promise<Server> {
  const far = 20_000;
  let hasLied = false;
  const liar = createServer((client) => {
    const upstream = connect(port, "127.0.0.1");
    const end = (): void => void [client.destroy(), upstream.destroy()];
    for (const socket of [client, upstream]) socket.on("error", end).on("close", end);
    client.on("data", (bytes) => upstream.write(bytes));
    upstream.on("data", (bytes: Buffer) => {
      if (!hasLied && bytes.byteLength > far) {
        hasLied = true;
        bytes[far] = (bytes[far] as number) ^ 1;
      }
      client.write(bytes);
    });
  });
  liar.listen(0, "127.0.0.1");
  await once(liar, "listening");
  return liar;
}
