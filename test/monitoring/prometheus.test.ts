import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { signMetricsToken } from "@kakera/gateway";
import { TestCluster } from "../harness/cluster.ts";
import { obtainEtcd } from "../harness/etcd/obtain-etcd.ts";
import { hasProgram } from "../harness/needs.ts";
import { startPrometheus, type TestPrometheus } from "../harness/prometheus.ts";
import { createS3Client, type S3Client } from "../harness/request.ts";
import { root, startServer, testCredentials, until, type TestServer } from "../harness/server.ts";
import { askedBy13502, askedBy13502Later, askedOfBuckets, askedOfNodes } from "./dashboard-13502.ts";
import { readDocument, readMetrics } from "./metric-text.ts";

const suite = "monitoring by a real Prometheus";
const isHere = hasProgram("prometheus", suite) && (await obtainEtcd("current", suite)) !== null;
const documentPath = join(root, "docs", "metrics.md");
const token = signMetricsToken(
  testCredentials.accessKey,
  testCredentials.secretKey,
  Math.floor(Date.now() / 1000) + 3600,
);
const nodeCount = 3;

/** Rules as they are shipped, but for how long a thing must last. */
function hurriedRules(): string {
  const shipped = readFileSync(join(root, "deploy", "prometheus", "kakera-alerts.yml"), "utf8");
  return shipped.replaceAll(/^( +for:) .*$/gm, "$1 1s");
}

/** Objects of several sizes, one of them Milvus' by its key, read whole; and one that is not there. */
async function work(client: S3Client, prefix: string): Promise<void> {
  const bodies = { small: 300, middle: 200_000, large: 3_000_000, "files/insert_log/44/1/2/0/9": 5_000 };
  for (const [key, sizeBytes] of Object.entries(bodies)) {
    const target = `/data/${prefix}${key}`;
    const put = await client.send({ method: "PUT", target, body: randomBytes(sizeBytes) });
    expect([target, put.status]).toEqual([target, 200]);
    expect((await client.send({ method: "GET", target })).body.byteLength).toBe(sizeBytes);
  }
  expect((await client.send({ method: "GET", target: `/data/${prefix}none` })).status).toBe(404);
}

async function scrape(endpoint: string, path: string): Promise<string> {
  const answer = await fetch(`${endpoint}${path}`, { headers: { authorization: `Bearer ${token}` } });
  expect([path, answer.status]).toEqual([path, 200]);
  return answer.text();
}

describe.skipIf(!isHere)("three nodes, a machine alone, and a Prometheus that scrapes them", () => {
  let cluster: TestCluster;
  let alone: TestServer;
  let prometheus: TestPrometheus;
  const client = (): S3Client => createS3Client(cluster.node(0).server.endpoint, testCredentials);

  beforeAll(async () => {
    [cluster, alone] = await Promise.all([
      TestCluster.start({
        nodeCount,
        drivesPerNode: 1,
        env: {
          KAKERA_METRICS_AUTH: "jwt",
          KAKERA_TEST_SETTINGS: JSON.stringify({ maintenanceIntervalMs: 500 }),
        },
      }),
      startServer({ driveCount: 4, processes: 2, args: ["--bucket", "data"] }),
    ]);
    const endpoints = cluster.nodes.map(({ server }) => server.endpoint);
    prometheus = await startPrometheus(
      [
        { name: "kakera", endpoints, path: "/metrics", token },
        { name: "minio", endpoints, path: "/minio/v2/metrics/cluster", token },
        { name: "stranger", endpoints, path: "/metrics", token: null },
        { name: "alone", endpoints: [alone.endpoint], path: "/metrics", token: null },
      ],
      hurriedRules(),
    );
    expect((await client().send({ method: "PUT", target: "/data" })).status).toBe(200);
    await work(client(), "");
    await work(createS3Client(alone.endpoint, testCredentials), "");
  }, 300_000);
  afterAll(async () => {
    await prometheus?.dispose();
    await cluster?.[Symbol.asyncDispose]();
    await alone?.dispose();
  });

  test("the nodes are scraped with a token and not without, the machine that is public with none", async () => {
    const sums = async (): Promise<Record<string, number>> => {
      const up = await prometheus.query("sum by (job) (up)");
      return Object.fromEntries(up.map(({ metric, value }) => [metric["job"], value]));
    };
    await until("all are scraped", async () => {
      const { kakera, minio, alone: machine } = await sums();
      return kakera === nodeCount && minio === nodeCount && machine === 1;
    });
    expect(await sums()).toEqual({ kakera: nodeCount, minio: nodeCount, stranger: 0, alone: 1 });
  });

  test("MinIO's dashboard 13502 finds what it asks for, with its labels, and it moves under load", async () => {
    const labelsOf = async (name: string): Promise<string[][]> =>
      (await prometheus.query(`{__name__="${name}",job="minio"}`)).map(({ metric }) => Object.keys(metric));
    // What walks over all objects find comes a while later.
    await until(
      "the walk has seen the objects",
      async () =>
        (await prometheus.query('minio_cluster_objects_size_distribution{range="BETWEEN_1_MB_AND_10_MB"} > 0')).length >
        0,
    );
    for (const [name, labels] of Object.entries(askedBy13502)) {
      const found = await labelsOf(name);
      expect([name, found.length > 0]).toEqual([name, true]);
      for (const its of found) expect([name, its]).toEqual([name, expect.arrayContaining([...labels])]);
    }
    const moving = [
      "sum(minio_s3_requests_total)",
      "sum(minio_s3_requests_4xx_errors_total)",
      "sum(minio_s3_traffic_received_bytes)",
      "sum(minio_s3_traffic_sent_bytes)",
      "sum(minio_inter_node_traffic_sent_bytes)",
      "sum(minio_inter_node_traffic_received_bytes)",
      "max(minio_cluster_usage_total_bytes)",
      "max(minio_cluster_usage_object_total)",
      "sum(minio_node_io_wchar_bytes)",
    ];
    const values = (): Promise<number[]> =>
      Promise.all(moving.map(async (expression) => (await prometheus.query(expression))[0]?.value ?? 0));
    const before = await values();
    await work(client(), "again-");
    await until("every one of them has grown", async () => {
      const after = await values();
      return after.every((value, at) => value > (before[at] ?? 0));
    });
    const exact = {
      minio_cluster_nodes_online_total: nodeCount,
      minio_cluster_drive_online_total: nodeCount,
      minio_cluster_usage_object_total: 8,
      minio_cluster_health_status: 1,
      minio_cluster_health_erasure_set_online_drives: 3,
      minio_cluster_health_erasure_set_read_quorum: 2,
    };
    for (const [name, value] of Object.entries(exact))
      await until(`${name} is ${value} at every node`, async () => {
        const told = await prometheus.query(name);
        return told.length === nodeCount && told.every((sample) => sample.value === value);
      });
  });

  test("the paths of buckets and nodes show what MinIO's have there", async () => {
    await work(client(), "again-");
    const { endpoint } = cluster.node(0).server;
    const bucket = readMetrics(await scrape(endpoint, "/minio/v2/metrics/bucket"));
    const node = readMetrics(await scrape(endpoint, "/minio/v2/metrics/node"));
    for (const [shown, asked] of [[bucket, askedOfBuckets] as const, [node, askedOfNodes] as const]) {
      for (const [name, labels] of Object.entries(asked))
        expect([name, shown.get(name)?.labels]).toEqual([name, labels.toSorted()]);
    }
    const resource = await scrape(endpoint, "/minio/v2/metrics/resource");
    expect(resource).toContain("minio_node_drive_total_bytes{");
  });

  test("MinIO's paths of the cluster and of buckets tell what all nodes count, whichever is asked", async () => {
    await work(client(), "again-");
    const [own, ...others] = cluster.nodes.map(({ server }) => server.endpoint);
    const putsAt = async (path: string, name: string): Promise<string[][]> =>
      Promise.all(
        [own, ...others].map(async (endpoint) => {
          const lines = (await scrape(endpoint as string, path)).split("\n");
          return lines.filter((line) => line.startsWith(`${name}{`) && line.includes('api="putobject"')).sort();
        }),
      );
    // Only the first node was asked for objects.
    const rows = await putsAt("/minio/v2/metrics/cluster", "minio_s3_requests_total");
    for (const told of rows) expect(told).toEqual(rows[0]);
    expect(rows[0]?.map((row) => Number(row.split(" ").at(-1)) > 0)).toEqual([true]);
    const ofBucket = await putsAt("/minio/v2/metrics/bucket", "minio_bucket_requests_total");
    for (const told of ofBucket) expect(told).toEqual(ofBucket[0]);
    expect(ofBucket[0]).toHaveLength(1);
    const nodes = readMetrics(await scrape(others[0] as string, "/minio/v2/metrics/node"));
    expect(nodes.get("minio_s3_requests_total")).toBeDefined();
  });

  test("docs/metrics.md tells of every metric what the servers themselves do, and of no other", async () => {
    const paths = ["/metrics", "/minio/v2/metrics/cluster", "/minio/v2/metrics/bucket"];
    const endpoints = [...cluster.nodes.map(({ server }) => server.endpoint), alone.endpoint];
    const texts = await Promise.all(endpoints.flatMap((endpoint) => paths.map((path) => scrape(endpoint, path))));
    const shown = readMetrics(...texts);
    const documented = readDocument(readFileSync(documentPath, "utf8"));
    expect([...documented.keys()].toSorted()).toEqual([...shown.keys()].toSorted());
    for (const [name, { type, help, labels }] of shown)
      // What has no sample now (nothing has failed) shows no labels.
      expect([name, documented.get(name)]).toEqual([
        name,
        { type, help, labels: labels ?? documented.get(name)?.labels },
      ]);
  });

  test("a node that is killed is told of by an alert, until it is back", async () => {
    const firing = async (name: string): Promise<boolean> =>
      (await prometheus.alerts()).some(({ labels, state }) => labels["alertname"] === name && state === "firing");
    await until(
      "nothing is down",
      async () => !(await firing("KakeraNodeDown")) && !(await firing("KakeraToleranceZero")),
    );
    const victim = cluster.node(2);
    await victim.kill();
    await until(
      "the alerts fire",
      async () => (await firing("KakeraNodeDown")) && (await firing("KakeraToleranceZero")),
    );
    const told = (await prometheus.alerts()).find(({ labels }) => labels["alertname"] === "KakeraNodeDown");
    expect(told?.annotations["runbook_url"]).toBe("docs/runbooks/NODE_DOWN.md");
    expect(told?.labels).toMatchObject({ severity: "warning", reason: "NODE_DOWN", job: "kakera" });
    const offline = await prometheus.query("minio_cluster_nodes_offline_total");
    expect(offline.length).toBeGreaterThan(0);
    await work(client(), "meanwhile-");
    await victim.start();
    await victim.ready();
    await until(
      "they are over",
      async () => !(await firing("KakeraNodeDown")) && !(await firing("KakeraToleranceZero")),
    );
    await until("what was written meanwhile is mended, and told", async () =>
      (await prometheus.query(askedBy13502Later)).some(({ value }) => value > 0),
    );
  });
});
