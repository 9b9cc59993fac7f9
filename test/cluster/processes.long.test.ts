import { createHash, randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { TestCluster } from "../harness/cluster.ts";
import { obtainEtcd } from "../harness/etcd/obtain-etcd.ts";
import type { S3Client } from "../harness/request.ts";
import { servingProcesses, testCredentials, until } from "../harness/server.ts";
import { createSpreadClient, processOf } from "../harness/spread-client.ts";

const isHere = (await obtainEtcd("current", "nodes in several processes")) !== null;
const sizes = [0, 700, 9_000, 300_000, 5_000_000];
const digest = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

/** A client for each process of each node. */
async function clientsOf(cluster: TestCluster): Promise<S3Client[]> {
  const spread = await Promise.all(
    cluster.nodes.map(({ server }) => createSpreadClient(server.endpoint, testCredentials, server.processes)),
  );
  return spread.flatMap(({ clients }) => clients);
}

async function metricOf(endpoint: string, name: string): Promise<number> {
  const text = await (await fetch(`${endpoint}/metrics`)).text();
  return Number(new RegExp(`^${name} (.*)$`, "m").exec(text)?.[1] ?? Number.NaN);
}

describe.skipIf(!isHere)("two nodes and a gateway, each in two processes", () => {
  test("every process answers with what another one was told, also when one has died, and garbage goes", async () => {
    await using cluster = await TestCluster.start({
      nodeCount: 3,
      commands: ["server", "server", "gateway"],
      processes: 2,
      env: { KAKERA_TEST_SETTINGS: JSON.stringify({ maintenanceIntervalMs: 200 }) },
    });
    let clients = await clientsOf(cluster);
    expect(clients).toHaveLength(6);
    const first = clients[0] as S3Client;
    expect((await first.send({ method: "PUT", target: "/bucket" })).status).toBe(200);
    const readFromAll = async (key: string, body: Buffer): Promise<void> => {
      const names = new Set<string>();
      for (const client of clients) {
        const read = await client.send({ method: "GET", target: `/bucket/${key}` });
        expect([key, read.status, digest(read.body)]).toEqual([key, 200, digest(body)]);
        names.add(processOf(read));
      }
      expect(names.size).toBe(6);
    };
    const written = new Map<string, Buffer>();
    for (const [round, client] of [...clients, ...clients].entries()) {
      const key = `k${round % 5}`;
      const body = randomBytes(sizes[round % sizes.length] as number);
      expect((await client.send({ method: "PUT", target: `/bucket/${key}`, body })).status).toBe(200);
      written.set(key, body);
      await readFromAll(key, body);
    }

    const gateway = cluster.node(2).server;
    const serving = gateway
      .output()
      .split("\n")
      .find((line) => line.includes('"process.serving"'));
    process.kill((JSON.parse(serving as string) as { pid: number }).pid, "SIGKILL");
    const restarts = (): Promise<number> => metricOf(gateway.endpoint, "kakera_process_restarts_total");
    await until("it is missed", async () => (await restarts().catch(() => 0)) === 1);
    await until("another one serves", async () => (await servingProcesses(gateway)) === 2);
    for (const client of clients) client.close();
    clients = await clientsOf(cluster);
    for (const [key, body] of written) await readFromAll(key, body);

    const removed = async (): Promise<number> => {
      const counts = cluster.nodes.map(({ server }) =>
        metricOf(server.endpoint, "kakera_garbage_shards_removed_total").catch(() => 0),
      );
      return (await Promise.all(counts)).reduce((sum, count) => sum + (count || 0), 0);
    };
    const before = await removed();
    for (const key of written.keys())
      expect((await (clients[5] as S3Client).send({ method: "DELETE", target: `/bucket/${key}` })).status).toBe(204);
    for (const client of clients) expect((await client.send({ method: "GET", target: "/bucket/k1" })).status).toBe(404);
    await until("what was deleted is collected", async () => (await removed()) > before);
    expect((await (clients[4] as S3Client).send({ method: "DELETE", target: "/bucket" })).status).toBe(204);
    for (const client of clients) {
      expect((await client.send({ method: "HEAD", target: "/bucket" })).status).toBe(404);
      client.close();
    }
  });
});
