import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { TestCluster, type TestNode } from "../harness/cluster.ts";
import { obtainEtcd } from "../harness/etcd/obtain-etcd.ts";
import { until } from "../harness/server.ts";
import { isWhole } from "./is-whole.ts";
import { withLogs } from "./with-logs.ts";

const isHere = (await obtainEtcd("current", "clusters of real processes")) !== null;
const Bucket = "bucket";

interface Status {
  readonly conditions: readonly { readonly reason: string; readonly sentence: string }[];
  readonly cluster: { readonly featureLevel: { readonly active: number; readonly next: number | null } };
}

/** Another release than this one, as far as levels go. */
const release = (featureLevel: number): Record<string, string> => ({
  KAKERA_TEST_SETTINGS: JSON.stringify({ featureLevel, maintenanceIntervalMs: 300 }),
});

/** Ends a node in good order and starts another release over its drives. */
async function replace(cluster: TestCluster, index: number, featureLevel: number): Promise<TestNode> {
  expect(await cluster.node(index).stop()).toBe(0);
  const next = cluster.node(index).altered(release(featureLevel));
  cluster.nodes[index] = next;
  await next.start();
  await next.ready();
  const sinceMs = Date.now();
  // What was written meanwhile bears no other node's absence before it is repaired.
  await until("the cluster is whole again", () => isWhole(cluster, sinceMs));
  return next;
}

async function reasonsOf(node: TestNode): Promise<string[]> {
  return (await node.status<Status>()).conditions.map(({ reason }) => reason);
}

const levelOf = async (node: TestNode): Promise<Status["cluster"]["featureLevel"]> =>
  (await node.status<Status>()).cluster.featureLevel;

/** Writes and reads through all gateways until it is told to end; resolves to how often. Rejects with the first error that a client sees. */
async function work(cluster: TestCluster, isOver: () => boolean): Promise<number> {
  const client = cluster.client();
  let count = 0;
  while (!isOver()) {
    const body = randomBytes(60_000);
    const Key = `key-${count % 10}`;
    await client.send(new PutObjectCommand({ Bucket, Key, Body: body }));
    const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
    expect(Buffer.from((await Body?.transformToByteArray()) ?? []).equals(body)).toBe(true);
    count += 1;
  }
  return count;
}

describe.skipIf(!isHere)("a cluster that is upgraded node by node under load", () => {
  test("rises to the level that all can read once the last one can, and lets no older node in from then on", async () => {
    await using cluster = await TestCluster.start({ nodeCount: 3, drivesPerNode: 1, env: release(1) });
    const [first, , third] = [cluster.node(0), cluster.node(1), cluster.node(2)];
    await first.client().send(new CreateBucketCommand({ Bucket }));
    let isOver = false;
    const working = work(cluster, () => isOver).catch((failure: Error) => {
      throw withLogs(failure, cluster);
    });
    // A client that fails is told by `await working` below.
    working.catch(() => {});

    await replace(cluster, 0, 2);
    const skewed = await cluster.node(1).status<Status>();
    expect(skewed.conditions).toContainEqual(
      expect.objectContaining({
        reason: "VERSION_SKEW",
        sentence: expect.stringContaining("(feature level 2) on node1"),
      }),
    );
    await replace(cluster, 1, 2);
    expect(await levelOf(third)).toEqual({ active: 1, next: null });
    await replace(cluster, 2, 2);
    for (const node of cluster.nodes)
      await until(`${node.name} to write at the new level`, async () => (await levelOf(node)).active === 2);
    expect(await reasonsOf(cluster.node(0))).not.toContain("VERSION_SKEW");
    isOver = true;
    expect(await working).toBeGreaterThan(0);

    await cluster.node(2).stop();
    const old = cluster.node(2).altered(release(1));
    await old.start();
    await until("its end", () => old.server.process.exitCode !== null);
    await old.end();
    expect(old.server.process.exitCode).toBe(4);
    expect(old.server.output()).toContain("VERSION_SKEW: the cluster is at feature level 2, and version");
    expect(await levelOf(cluster.node(0))).toEqual({ active: 2, next: null });
  }, 240_000);
});
