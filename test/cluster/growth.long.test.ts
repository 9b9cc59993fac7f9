import { createHash, randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { TestCluster, type TestNode } from "../harness/cluster.ts";
import { obtainEtcd } from "../harness/etcd/obtain-etcd.ts";
import { kakera, type Ran } from "../harness/kakera.ts";
import { until } from "../harness/server.ts";
import { isWhole } from "./is-whole.ts";

const isHere = (await obtainEtcd("current", "clusters that grow and shrink")) !== null;
const Bucket = "bucket";
const sizes = [9_000, 60_000, 300_000, 2_500_000];

interface Status {
  readonly cluster: { readonly isLeader: boolean };
  readonly plan: {
    readonly plan: string;
    readonly state: string;
    readonly groupCount: number;
    readonly groupsWaiting: number;
    readonly groupsMoving: number;
  } | null;
  readonly drives: readonly { readonly driveId: string; readonly domain: string; readonly shardCount: number }[];
}

/** Objects that are written, read and overwritten the whole time, each through the gateways that are to live. */
class Load {
  readonly written = new Map<string, string>();
  reads = 0;
  readonly #clients: readonly S3Client[];
  #isOver = false;
  #running: Promise<unknown> = Promise.resolve();

  constructor(nodes: readonly TestNode[]) {
    // One attempt: what fails fails.
    this.#clients = nodes.map((node) => node.client(1));
  }

  start(): void {
    this.#isOver = false;
    this.#running = Promise.all([this.#write(), this.#read()]);
    this.#running.catch(() => (this.#isOver = true));
  }

  /** Rejects with the first request that failed or was answered wrongly. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#running;
  }

  async put(key: string, sizeBytes: number): Promise<void> {
    const Body = randomBytes(sizeBytes);
    // While it is written again either body may be read.
    this.written.delete(key);
    await this.#client(key.length).send(new PutObjectCommand({ Bucket, Key: key, Body }));
    this.written.set(key, digest(Body));
  }

  async check(key: string, client: S3Client): Promise<void> {
    const expected = this.written.get(key);
    const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: key }));
    const found = digest(Buffer.from((await Body?.transformToByteArray()) ?? []));
    if (expected !== undefined && this.written.get(key) === expected) expect([key, found]).toEqual([key, expected]);
    this.reads++;
  }

  async #write(): Promise<void> {
    for (let i = 0; !this.#isOver; i++) await this.put(`w${i % 9}`, sizes[i % sizes.length] as number);
  }

  async #read(): Promise<void> {
    for (let i = 0; !this.#isOver; i++) {
      const keys = [...this.written.keys()];
      const key = keys[i % Math.max(1, keys.length)];
      if (key !== undefined) await this.check(key, this.#client(i));
      else await new Promise((resolve) => setImmediate(resolve));
    }
  }

  #client(index: number): S3Client {
    return this.#clients[index % this.#clients.length] as S3Client;
  }
}

const digest = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex").slice(0, 16);

async function leaderOf(cluster: TestCluster): Promise<TestNode> {
  for (const node of cluster.nodes) if ((await node.status<Status>()).cluster.isLeader) return node;
  throw new Error("nobody leads at this moment");
}

function ask(node: TestNode, ...args: readonly string[]): Promise<Ran> {
  return kakera(...args, "--endpoint", node.server.endpoint, "--yes");
}

/** Plans, applies, and resolves to the plan's name. */
async function apply(node: TestNode, ...wish: readonly string[]): Promise<string> {
  const planned = await ask(node, "plan", ...wish, "--json");
  expect([planned.code, planned.stderr]).toEqual([0, ""]);
  const { plan } = JSON.parse(planned.stdout) as { plan: string };
  const applied = await ask(node, "apply", plan);
  expect([applied.code, applied.stderr]).toEqual([0, ""]);
  return plan;
}

async function untilDone(node: TestNode, name: string): Promise<void> {
  const isDone = async (): Promise<boolean> => {
    const { plan } = await node.status<Status>();
    return plan?.plan === name && plan.state === "done";
  };
  await until(`${name} is done`, isDone, 120_000);
}

describe.skipIf(!isHere)("a cluster of three nodes under load", () => {
  test("grows by a node, though its leader is killed on the way, and lets another node go", async () => {
    const settings = { maintenanceIntervalMs: 300, sessionTtlSeconds: 10, groupCount: 128 };
    const env = { KAKERA_TEST_SETTINGS: JSON.stringify(settings) };
    await using cluster = await TestCluster.start({ nodeCount: 3, drivesPerNode: 1, env });
    await cluster.node(0).client().send(new CreateBucketCommand({ Bucket }));
    const leader = await leaderOf(cluster);
    const living = cluster.nodes.filter((node) => node !== leader);
    const [one] = living as [TestNode];
    const load = new Load(living);
    for (let i = 0; i < 40; i++) await load.put(`k${i}`, sizes[i % 3] as number);
    load.start();
    await cluster.join();
    const shown = await ask(one, "plan", "add", "node4");
    expect(shown.stdout).toMatch(/then +any one host may fail/);
    const added = await apply(one, "add", "node4");
    const waiting = async (): Promise<number> => (await one.status<Status>()).plan?.groupsWaiting ?? 0;
    const { groupCount } = (await one.status<Status>()).plan as NonNullable<Status["plan"]>;
    await until("it has begun", async () => (await waiting()) < groupCount, 60_000);
    await leader.kill();
    expect(await waiting()).toBeGreaterThan(0);
    await leader.start();
    await leader.ready();
    await untilDone(one, added);
    const again = await ask(one, "apply", added);
    expect([again.code, again.stderr]).toEqual([4, expect.stringMatching(/REFUSED/)]);
    // So planned again nothing more would move: shares are even.
    const planned = await ask(one, "plan", "remove", "node4", "--json");
    const { shares } = JSON.parse(planned.stdout) as { shares: readonly { readonly before: number }[] };
    expect(shares.map((share) => share.before)).toEqual([96, 96, 96, 96]);
    await load.stop();
    expect(load.reads).toBeGreaterThan(20);
    const sinceMs = Date.now();
    await until("every chunk is whole", () => isWhole(cluster, sinceMs), 60_000);
    // The first node goes, whichever it is: its gateway is asked no more.
    const first = cluster.node(0);
    const staying = cluster.nodes.filter((node) => node !== first);
    const later = new Load(staying);
    for (const [key, value] of load.written) later.written.set(key, value);
    later.start();
    const removed = await apply(staying[0] as TestNode, "remove", "node1");
    await untilDone(staying[0] as TestNode, removed);
    const { drives } = await (staying[0] as TestNode).status<Status>();
    expect(drives.map(({ domain }) => domain).toSorted()).toEqual(["node2", "node3", "node4"]);
    await first.stop();
    const reads = later.reads;
    await until("they go on", async () => later.reads > reads + 20, 30_000);
    await later.stop();
    for (const key of later.written.keys()) await later.check(key, (staying[1] as TestNode).client());
  }, 240_000);
});
