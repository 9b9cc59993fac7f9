import { createHash, randomBytes } from "node:crypto";
import { join } from "node:path";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { TestAuthority } from "../harness/certificate.ts";
import { TestCluster, type TestNode } from "../harness/cluster.ts";
import { obtainEtcd } from "../harness/etcd/obtain-etcd.ts";
import { until } from "../harness/server.ts";

const isHere = (await obtainEtcd("current", "clusters of real processes")) !== null;
const Bucket = "bucket";
let directory: string;
let authority: TestAuthority;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "kakera-node-tls-"));
  authority = new TestAuthority(directory, "authority");
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

const digest = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** Writes through one node and reads through the other: shards of both lie on the drives of both. */
async function exchange(from: TestNode, to: TestNode): Promise<void> {
  const body = randomBytes(3_000_000);
  const client = from.client(3);
  await client.send(new PutObjectCommand({ Bucket, Key: "exchanged", Body: body }));
  const { Body } = await to.client(3).send(new GetObjectCommand({ Bucket, Key: "exchanged" }));
  expect(digest((await Body?.transformToByteArray()) ?? new Uint8Array())).toBe(digest(body));
}

/** Ends a node and starts it again with other settings; the cluster has it back when this resolves. */
async function restart(cluster: TestCluster, index: number, env: Record<string, string>): Promise<TestNode> {
  expect(await cluster.node(index).stop()).toBe(0);
  const next = cluster.node(index).altered(env);
  cluster.nodes[index] = next;
  await next.start();
  await next.ready();
  await until(`all drives in reach of ${next.name}`, async () => {
    const { conditions } = await next.status<{ conditions: { reason: string }[] }>();
    return !conditions.some(({ reason }) => reason === "NODE_DOWN");
  });
  return next;
}

describe.skipIf(!isHere)("TLS between the nodes of a cluster", () => {
  test("is rolled out node by node over a cluster that had none, and is required at the end", async () => {
    await using cluster = await TestCluster.start({ nodeCount: 2 });
    await cluster.node(0).client().send(new CreateBucketCommand({ Bucket }));
    const certs = (index: number): string => authority.issue(join(directory, `rolled-${index}`));
    for (const mode of ["prefer", "require"]) {
      for (const index of [0, 1]) {
        await restart(cluster, index, { KAKERA_NODE_CERTS_DIR: certs(index), KAKERA_NODE_TLS: mode });
        await exchange(cluster.node(0), cluster.node(1));
        await exchange(cluster.node(1), cluster.node(0));
      }
    }
  }, 240_000);

  test("refuses a node with a foreign certificate, or none, and takes a new one up while clients write", async () => {
    const folder = authority.issue(join(directory, "all"));
    await using cluster = await TestCluster.start({
      nodeCount: 3,
      drivesPerNode: 1,
      env: { KAKERA_NODE_CERTS_DIR: folder },
    });
    const [first, second, third] = [cluster.node(0), cluster.node(1), cluster.node(2)];
    await first.client().send(new CreateBucketCommand({ Bucket }));
    let isRenewed = false;
    const writing = (async () => {
      for (let count = 0; !isRenewed || count < 5; count++) await exchange(first, second);
    })();
    authority.issue(folder, { days: 20 });
    for (const node of cluster.nodes) node.server.process.kill("SIGHUP");
    for (const node of cluster.nodes)
      await until(`${node.name} to take it up`, () => node.server.output().includes("certificate.renewed"));
    isRenewed = true;
    await writing;
    expect(await first.status<{ conditions: unknown[] }>()).toMatchObject({
      conditions: expect.arrayContaining([
        expect.objectContaining({ reason: "CERT_EXPIRY", sentence: "the node's certificate expires in 19 days" }),
      ]),
    });

    await third.stop();
    const stranger = new TestAuthority(directory, "stranger");
    const refusals = [
      [stranger.issue(join(directory, "foreign")), "no authority that this node knows"],
      ["", "takes only calls over TLS: --node-certs-dir here too"],
    ] as const;
    for (const [certs, why] of refusals) {
      const refused = third.altered({ KAKERA_NODE_CERTS_DIR: certs });
      await refused.start();
      await until("its end", () => refused.server.process.exitCode !== null);
      await refused.end();
      expect(refused.server.process.exitCode).toBe(4);
      expect(refused.server.output()).toContain("CONFIG_INVALID: the other nodes and this one do not agree on TLS");
      expect(refused.server.output()).toContain(why);
    }
    await restart(cluster, 2, {});
    await exchange(cluster.node(2), first);
  }, 240_000);
});
