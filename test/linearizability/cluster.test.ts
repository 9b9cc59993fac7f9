import { describe, test } from "vitest";
import { CreateBucketCommand } from "@aws-sdk/client-s3";
import { TestCluster, type TestNode } from "../harness/cluster.ts";
import { obtainEtcd } from "../harness/etcd/obtain-etcd.ts";
import { testCredentials, until } from "../harness/server.ts";
import { startClients, type Clients } from "./clients.ts";
import { expectLinearizable } from "./judge-histories.ts";
import { PresignedGateway } from "./presigned-gateway.ts";
import { processArgs } from "./process-args.ts";

const isHere = (await obtainEtcd("current", "linearizability of a cluster")) !== null;
const seed = Number(process.env.KAKERA_LINEARIZABILITY_SEED ?? 20_261_129);
const operationCount = Number(process.env.KAKERA_LINEARIZABILITY_OPERATIONS ?? 50_000);
const buckets = Array.from({ length: 6 }, (_, index) => `bucket${index}`);
const keys = ["k1", "k2"];
const clientCount = 24;

/** Faults after which all is as before. Each lasts until so much was answered, or could not be. */
const faults: readonly ((cluster: TestCluster, clients: Clients) => Promise<void>)[] = [
  async ({ nodes }, clients) => {
    const node = nodes[0] as TestNode;
    await node.kill();
    await more(clients, 1_500);
    await node.start();
    await node.ready();
  },
  async ({ nodes }, clients) => {
    const node = nodes[1] as TestNode;
    node.signal("SIGSTOP");
    await more(clients, 1_000);
    node.signal("SIGCONT");
  },
  async ({ etcd }, clients) => {
    const leader = await etcd.leader();
    await leader.stop();
    await more(clients, 1_000);
    await leader.go();
  },
  async ({ etcd }, clients) => {
    // No quorum is left.
    const members = etcd.members.slice(0, 2);
    await Promise.all(members.map((member) => member.stop()));
    const before = clients.unansweredCount();
    await until("requests are refused", () => clients.unansweredCount() > before + clientCount * 2);
    await Promise.all(members.map((member) => member.go()));
  },
  async ({ etcd }, clients) => {
    const leader = await etcd.leader();
    await leader.kill();
    await more(clients, 1_000);
    await leader.start();
  },
  async ({ nodes }, clients) => {
    const before = clients.unansweredCount();
    await Promise.all(nodes.map((node) => node.kill()));
    await until("nobody answers", () => clients.unansweredCount() > before + clientCount);
    await Promise.all(nodes.map((node) => node.start()));
    await Promise.all(nodes.map((node) => node.ready()));
  },
];

async function more(clients: Clients, count: number): Promise<void> {
  const before = clients.answeredCount();
  await until(`${count} more are answered`, () => clients.answeredCount() >= before + count);
}

describe.skipIf(!isHere)("three gateways of a cluster", () => {
  test(`answer as one store would, while nodes and etcd fail (seed ${seed})`, async () => {
    await using cluster = await TestCluster.start({ nodeCount: 3, members: 3, args: processArgs() });
    for (const Bucket of buckets) await cluster.node(0).client().send(new CreateBucketCommand({ Bucket }));
    const of = { credentials: testCredentials, patienceMs: 3_000 };
    const gateways = cluster.nodes.map((node) => new PresignedGateway(node.server.endpoint, of));
    const clients = startClients({ gateways, buckets, keys, clientCount, seed });
    for (const [index, fault] of faults.entries()) {
      const begun = (operationCount * (index + 0.5)) / faults.length;
      await until("the next fault is due", () => clients.answeredCount() >= begun, 300_000);
      await fault(cluster, clients);
    }
    await until("enough is answered", () => clients.answeredCount() >= operationCount, 300_000);
    const histories = await clients.stop();
    await Promise.all(gateways.map((gateway) => gateway.close()));
    expectLinearizable(histories, { operationCount });
  }, 900_000);
});
