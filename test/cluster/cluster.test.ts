import { createHash, randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { TestCluster, type TestNode } from "../harness/cluster.ts";
import { obtainEtcd } from "../harness/etcd/obtain-etcd.ts";
import { startKakera } from "../harness/kakera.ts";
import { until } from "../harness/server.ts";
import { isWhole } from "./is-whole.ts";

const isHere = (await obtainEtcd("current", "clusters of real processes")) !== null;
const Bucket = "bucket";
const sizes = [0, 700, 9_000, 40_000, 300_000, 3_000_000];

async function put(client: S3Client, Key: string, Body: Buffer): Promise<void> {
  await client.send(new PutObjectCommand({ Bucket, Key, Body }));
}

async function get(client: S3Client, Key: string): Promise<Buffer> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
  return Buffer.from((await Body?.transformToByteArray()) ?? []);
}

async function keysOf(client: S3Client): Promise<string[]> {
  const { Contents } = await client.send(new ListObjectsV2Command({ Bucket }));
  return (Contents ?? []).map(({ Key }) => Key as string);
}

const digest = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

/** Writes one object of each size through each node in turn. */
async function writeObjects(cluster: TestCluster, prefix: string): Promise<Map<string, Buffer>> {
  const written = new Map<string, Buffer>();
  for (const [i, sizeBytes] of sizes.entries()) {
    const body = randomBytes(sizeBytes);
    await put(cluster.node(i % cluster.nodes.length).client(), `${prefix}${i}`, body);
    written.set(`${prefix}${i}`, body);
  }
  return written;
}

async function expectAll(client: S3Client, written: ReadonlyMap<string, Buffer>): Promise<void> {
  for (const [key, body] of written) expect([key, digest(await get(client, key))]).toEqual([key, digest(body)]);
}

/** `kakera trace` of one node, until it is ended. */
function followTrace(endpoint: string) {
  const trace = startKakera("trace", "--json", "--endpoint", endpoint);
  return {
    hosts(): Set<string> {
      const lines = trace.stdout().split("\n").slice(0, -1);
      return new Set(lines.map((line) => (JSON.parse(line) as { node: string }).node));
    },
    hints: () => trace.stderr(),
    end(): Promise<number | null> {
      trace.process.kill("SIGINT");
      return trace.ended;
    },
  };
}

describe.skipIf(!isHere)("a cluster of three nodes", () => {
  test("forms by itself, and each node answers with what was written through another, at once", async () => {
    await using cluster = await TestCluster.start({ nodeCount: 3 });
    await cluster.node(0).client().send(new CreateBucketCommand({ Bucket }));
    const written = await writeObjects(cluster, "a");
    for (const node of cluster.nodes) {
      await expectAll(node.client(), written);
      expect(await keysOf(node.client())).toEqual([...written.keys()].toSorted());
    }
    for (let round = 0; round < 30; round++) {
      const [writer, reader] = [cluster.node(round % 3), cluster.node((round + 1) % 3)];
      await put(writer.client(), "turn", Buffer.from(String(round)));
      expect((await get(reader.client(), "turn")).toString()).toBe(String(round));
    }
    await cluster
      .node(1)
      .client()
      .send(new DeleteObjectCommand({ Bucket, Key: "turn" }));
    await expect(get(cluster.node(2).client(), "turn")).rejects.toMatchObject({ name: "NoSuchKey" });
    // Of 2+1 any one may be stopped, and then no other.
    for (const node of cluster.nodes) expect(await maintenance(node)).toBe(200);
    expect(await cluster.node(0).stop()).toBe(0);
    await until("no other may be stopped", async () => (await maintenance(cluster.node(1))) === 412);
    expect(await Promise.all([cluster.node(1).stop(), cluster.node(2).stop()])).toEqual([0, 0]);
  }, 120_000);

  test("reads and takes writes with any one of them killed, and has all when it is back", async () => {
    const env = { KAKERA_TEST_SETTINGS: JSON.stringify({ maintenanceIntervalMs: 300 }) };
    await using cluster = await TestCluster.start({ nodeCount: 3, env });
    await cluster.node(0).client().send(new CreateBucketCommand({ Bucket }));
    const written = await writeObjects(cluster, "a");
    for (const [index, lost] of cluster.nodes.entries()) {
      await lost.kill();
      const left = cluster.nodes.filter((node) => node !== lost);
      for (const node of left) await expectAll(node.client(), written);
      const body = randomBytes(200_000);
      await put((left[0] as (typeof left)[0]).client(), `while${index}`, body);
      written.set(`while${index}`, body);
      for (const node of left) await expectAll(node.client(), written);
      await lost.start();
      await lost.ready();
      await expectAll(lost.client(), written);
      const sinceMs = Date.now();
      await until("what was written meanwhile is whole again", () => isWhole(cluster, sinceMs), 60_000);
    }
  }, 240_000);

  test("is the same with gateways and storage nodes apart", async () => {
    const storage = "storage-node";
    const commands = ["gateway", "gateway", storage, storage, storage] as const;
    await using cluster = await TestCluster.start({ nodeCount: 5, commands });
    const [one, other] = [cluster.node(0), cluster.node(1)];
    await one.client().send(new CreateBucketCommand({ Bucket }));
    for (const [i, sizeBytes] of sizes.entries()) {
      const body = randomBytes(sizeBytes);
      await put(one.client(), `k${i}`, body);
      expect(digest(await get(other.client(), `k${i}`))).toBe(digest(body));
    }
    await expect(get(cluster.node(2).client(), "k1")).rejects.toMatchObject({ name: "NotImplemented" });
    await cluster.node(3).kill();
    for (const i of sizes.keys()) expect(await get(one.client(), `k${i}`)).toHaveLength(sizes[i] as number);
    expect(await Promise.all([one, other, cluster.node(2)].map((node) => node.stop()))).toEqual([0, 0, 0]);
  }, 120_000);

  test("is traced whole through any gateway, and a node that does not answer is named", async () => {
    const storage = "storage-node";
    const commands = ["gateway", storage, "gateway", storage, storage] as const;
    await using cluster = await TestCluster.start({ nodeCount: 5, commands });
    const [asked, , other] = cluster.nodes as [TestNode, TestNode, TestNode];
    await asked.client().send(new CreateBucketCommand({ Bucket }));
    const tracing = followTrace(asked.server.endpoint);
    await until("requests of both gateways are told", async () => {
      for (const node of [asked, other]) await keysOf(node.client());
      return ["node1", "node3"].every((host) => tracing.hosts().has(host));
    });
    other.signal("SIGSTOP");
    await until("the gateway that stands still is named", () => tracing.hints().includes("missing: node3"));
    other.signal("SIGCONT");
    await until("it is heard again", () => tracing.hints().includes("all nodes are heard again"));
    expect(await tracing.end()).toBe(0);
  }, 120_000);

  test("refuses a node that brings another secret, another root key, or drives of another cluster", async () => {
    await using cluster = await TestCluster.start({ nodeCount: 3 });
    const node = cluster.node(2);
    await node.stop();
    const attempt = async (env: Record<string, string>): Promise<string> => {
      const again = node.altered(env);
      await again.start();
      await expect(again.ready()).rejects.toThrow(/ended \(4\)/);
      return again.server.output();
    };
    const secret = { KAKERA_CLUSTER_SECRET: "another secret than the one of all other nodes" };
    expect(await attempt(secret)).toMatch(/CREDENTIALS_CONFLICT: the cluster secret/);
    expect(await attempt({ KAKERA_ROOT_PASSWORD: "another-password" })).toMatch(/CREDENTIALS_CONFLICT: the root key/);
    expect(await attempt({ KAKERA_ETCD_PREFIX: "/elsewhere/" })).toMatch(/DRIVE_FOREIGN: .*holds nothing of it/);
    await node.start();
    await node.ready();
  }, 120_000);
});

describe.skipIf(!isHere)("a cluster whose etcd does not answer", () => {
  test("says SlowDown and when to come again, acknowledges nothing, and goes on when etcd does", async () => {
    await using cluster = await TestCluster.start({ nodeCount: 1, drivesPerNode: 3 });
    const client = cluster.node(0).client(1, 60_000);
    await client.send(new CreateBucketCommand({ Bucket }));
    await put(client, "k", Buffer.from("before"));
    const [member] = cluster.etcd.members;
    await member?.stop();
    const refusals = await Promise.all([
      get(client, "k").catch((failure: unknown) => failure),
      put(client, "k", Buffer.from("meanwhile")).catch((failure: unknown) => failure),
      client.send(new ListObjectsV2Command({ Bucket })).catch((failure: unknown) => failure),
    ]);
    for (const refusal of refusals)
      expect(refusal).toMatchObject({
        $metadata: { httpStatusCode: 503 },
        $response: { headers: { "retry-after": expect.stringMatching(/^\d+$/) } },
      });
    await until("it says that it is not ready", async () => (await ready(cluster)).status === 503, 30_000);
    await member?.go();
    await until("it is ready again", async () => (await ready(cluster)).status === 200, 60_000);
    // What got no answer may have happened, as a whole or not at all.
    expect(["before", "meanwhile"]).toContain((await get(client, "k")).toString());
    await put(client, "k", Buffer.from("after"));
    expect((await get(client, "k")).toString()).toBe("after");
  }, 180_000);
});

/** 412 where stopping the node would end the quorum. */
const maintenance = async (node: TestNode): Promise<number> =>
  (await fetch(`${node.server.endpoint}/minio/health/cluster?maintenance=true`)).status;

const ready = (cluster: TestCluster): Promise<Response> => fetch(`${cluster.node(0).server.endpoint}/health/ready`);
