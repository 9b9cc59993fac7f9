import { randomBytes } from "node:crypto";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CreateBucketCommand, type S3Client } from "@aws-sdk/client-s3";
import { createSeededRandom } from "@kakera/kernel";
import { damageFiles, filesBelow } from "../bitrot/damage.ts";
import { TestCluster, type TestNode } from "../harness/cluster.ts";
import { obtainEtcd } from "../harness/etcd/obtain-etcd.ts";
import { kakera } from "../harness/kakera.ts";
import { until } from "../harness/server.ts";
import { KeyUser } from "./history.ts";
import { isWhole } from "./is-whole.ts";

const isHere = (await obtainEtcd("current", "upkeep of a cluster")) !== null;
const Bucket = "bucket";
const sizes = [0, 500, 9_000, 60_000, 700_000, 3_000_000];

interface Standings {
  readonly drives: readonly { readonly condition: string; readonly standing: string; readonly domain: string }[];
}

interface Leading {
  readonly conditions: readonly { readonly reason: string }[];
  readonly repair: { readonly waitingCount: number };
  readonly cluster: { readonly isLeader: boolean };
}

async function writeAll(client: S3Client, prefix: string): Promise<KeyUser[]> {
  const users = sizes.flatMap((sizeBytes) =>
    [0, 1].map((i) => ({ user: new KeyUser(Bucket, `${prefix}${sizeBytes}-${i}`), sizeBytes })),
  );
  for (const { user, sizeBytes } of users) expect(await user.put(client, randomBytes(sizeBytes))).toBe(true);
  return users.map(({ user }) => user);
}

async function expectAll(client: S3Client, users: readonly KeyUser[]): Promise<void> {
  for (const user of users) expect([user.key, await user.check(client)]).toEqual([user.key, true]);
}

/** Whether this node sees every drive of every node, and none is held for lost. */
async function seesAll(node: TestNode, driveCount: number): Promise<boolean> {
  const { drives } = await node.status<Standings>();
  return (
    drives.length === driveCount &&
    drives.every(({ condition, standing }) => condition === "online" && standing === "MEMBER")
  );
}

describe.skipIf(!isHere)("a cluster of four nodes that bears the loss of any two", () => {
  let cluster: TestCluster;
  let users: KeyUser[] = [];

  beforeAll(async () => {
    const env = { KAKERA_TEST_SETTINGS: JSON.stringify({ maintenanceIntervalMs: 500 }) };
    cluster = await TestCluster.start({ nodeCount: 4, env });
    await cluster.client().send(new CreateBucketCommand({ Bucket }));
    users = await writeAll(cluster.client(), "a");
  }, 240_000);
  afterAll(async () => {
    await cluster[Symbol.asyncDispose]();
  });

  test("is restarted node by node under load, and no client with the SDK's own retries sees an error", async () => {
    const client = cluster.client();
    const random = createSeededRandom(5);
    const failures: string[] = [];
    let [answered, isOver] = [0, false];
    const keysPerClient = 3;
    const load = async (number: number): Promise<void> => {
      const own = Array.from({ length: keysPerClient }, (_, i) => new KeyUser(Bucket, `load${number}-${i}`));
      while (!isOver) {
        const user = own[Math.floor(random.fraction() * keysPerClient)] as KeyUser;
        const size = sizes[Math.floor(random.fraction() * sizes.length)] as number;
        const isPut = random.fraction() < 0.4;
        const isAnswered = isPut ? await user.put(client, randomBytes(size)) : await user.check(client);
        answered++;
        if (!isAnswered)
          failures.push(
            `${isPut ? "PUT" : "GET"} ${user.key} of ${size}: ${String(user.failure)} ${JSON.stringify(user.failure)}`,
          );
      }
    };
    const running = Promise.all(Array.from({ length: 6 }, (_, number) => load(number)));
    const more = async (): Promise<void> => {
      const before = answered;
      await until("more is answered", () => answered > before + 30);
    };
    try {
      for (const node of cluster.nodes) {
        await more();
        expect(await node.stop()).toBe(0);
        await more();
        await node.start();
        await node.ready();
        await until("all see all drives", async () => {
          const seen = await Promise.all(cluster.nodes.map((each) => seesAll(each, 8)));
          return seen.every(Boolean);
        });
      }
      await more();
    } finally {
      isOver = true;
      await running;
    }
    expect(failures.join("\n")).toBe("");
  }, 600_000);

  test("fills an empty drive that replaces a lost one, so that what it bears is what it bore", async () => {
    const node = cluster.node(3);
    const place = join(node.directory, "drive2");
    await node.kill();
    rmSync(place, { recursive: true, force: true });
    mkdirSync(place);
    await node.start();
    await node.ready();
    for (const each of cluster.nodes) await expectAll(each.client(), users);
    const replaced = await kakera("drive", "replace", place, "--yes", "--endpoint", node.server.endpoint);
    expect([replaced.code, replaced.stderr]).toEqual([0, ""]);
    const sinceMs = Date.now();
    await until("the new drive has all that it should", () => isWhole(cluster, sinceMs), 180_000);
    const lost = [cluster.node(0), cluster.node(1)];
    await Promise.all(lost.map((each) => each.kill()));
    await expectAll(node.client(3), users);
    await Promise.all(lost.map((each) => each.start()));
    await Promise.all(lost.map((each) => each.ready()));
  }, 600_000);

  test("has counted as short what was written while a node was declared down, before another is lost", async () => {
    await until("it is whole", () => isWhole(cluster, 0), 180_000);
    const [down, lost, left] = [cluster.node(0), cluster.node(1), cluster.node(2)];
    await down.kill();
    await until(
      "its drives are declared down",
      async () => {
        const { drives } = await left.status<Standings>();
        return drives.filter(({ standing }) => standing === "DOWN").length === 2;
      },
      180_000,
    );
    const written = await writeAll(left.client(3), "while");
    await until(
      "the metric counts them as short",
      async () => (await shortOf([lost, left, cluster.node(3)])) > 0,
      120_000,
    );
    await lost.kill();
    for (const node of [left, cluster.node(3)]) await expectAll(node.client(3), [...users]);
    for (const node of [down, lost]) await node.start();
    for (const node of [down, lost]) await node.ready();
    const sinceMs = Date.now();
    await until("it is whole again", () => isWhole(cluster, sinceMs), 180_000);
    for (const node of cluster.nodes) await expectAll(node.client(), [...users, ...written]);
  }, 600_000);

  // The last: rot that no read met stays until the scrub comes by, and with another drive lost it would be more than the geometry bears.
  test("serves right bytes with two drives of different nodes rotten, and makes them good again", async () => {
    const random = createSeededRandom(7);
    for (const index of [1, 2])
      for (let round = 0; round < 40; round++)
        damageFiles(filesBelow(join(cluster.node(index).directory, "drive1"), /\/(segments|shards)\//), "flip", random);
    const leader = await leaderOf(cluster);
    // Who does not lead mends nothing: what it finds, it tells.
    for (const node of cluster.nodes.filter((each) => each !== leader)) await expectAll(node.client(), users);
    await until("what the others found is good again", async () => {
      const { repair, conditions } = await leader.status<Leading>();
      return conditions.some(({ reason }) => reason === "BITROT_FOUND") && repair.waitingCount === 0;
    });
    for (const node of cluster.nodes) await expectAll(node.client(), users);
  }, 600_000);
});

/** Waits until one leads. */
async function leaderOf(cluster: TestCluster): Promise<TestNode> {
  let leader: TestNode | undefined;
  await until("one node leads", async () => {
    for (const node of cluster.nodes) if ((await node.status<Leading>()).cluster.isLeader) leader = node;
    return leader !== undefined;
  });
  return leader as TestNode;
}

/** Chunks that lack a shard, by the metric of whichever node leads. */
async function shortOf(nodes: readonly TestNode[]): Promise<number> {
  let short = 0;
  for (const node of nodes) {
    const text = await (await fetch(`${node.server.endpoint}/metrics`)).text();
    for (const [, count] of text.matchAll(/^kakera_census_chunks\{missing="[1-9]\d*"\} (\d+)/gm))
      short += Number(count);
  }
  return short;
}
