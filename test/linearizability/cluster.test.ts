import { describe, test } from "vitest";
import { CreateBucketCommand } from "@aws-sdk/client-s3";
import { TestCluster, type TestNode } from "../harness/cluster.ts";
import type { EtcdMember } from "../harness/etcd/member.ts";
import { obtainEtcd } from "../harness/etcd/obtain-etcd.ts";
import { countFor } from "../harness/length.ts";
import { testCredentials, until } from "../harness/server.ts";
import { startClients, type Clients } from "./clients.ts";
import { expectLinearizable } from "./judge-histories.ts";
import { PresignedGateway } from "./presigned-gateway.ts";

const isHere = (await obtainEtcd("current", "linearizability of a cluster")) !== null;
const seed = Number(process.env.KAKERA_LINEARIZABILITY_SEED ?? 20_261_129);
const operationCount = Number(
  process.env.KAKERA_LINEARIZABILITY_OPERATIONS ?? countFor({ whole: 50_000, ci: 20_000, here: 10_000 }),
);
const buckets = Array.from({ length: 6 }, (_, index) => `bucket${index}`);
const keys = ["k1", "k2"];
const clientCount = 24;

type Fault = (cluster: TestCluster, clients: Clients) => Promise<void>;

/** After each of them all is as before. They last until so much was answered, or could not be. */
const faultsOfNodes: readonly Fault[] = [
  async ({ nodes }, clients) => {
    const node = nodes[0] as TestNode;
    await node.kill();
    await more(clients, 1_000);
    await node.start();
    await node.ready();
  },
  async ({ nodes }, clients) => {
    const node = nodes[1] as TestNode;
    node.signal("SIGSTOP");
    await more(clients, 500);
    node.signal("SIGCONT");
  },
  async ({ etcd }, clients) => {
    const member = etcd.members[0] as EtcdMember;
    await member.stop();
    await nobodyAnswers(clients);
    await member.go();
  },
  async ({ etcd }, clients) => {
    const member = etcd.members[0] as EtcdMember;
    await member.kill();
    await nobodyAnswers(clients);
    await member.start();
  },
  async ({ nodes }, clients) => {
    await Promise.all(nodes.map((node) => node.kill()));
    await nobodyAnswers(clients);
    await Promise.all(nodes.map((node) => node.start()));
    await Promise.all(nodes.map((node) => node.ready()));
  },
];

const faultsOfEtcd: readonly Fault[] = [
  async ({ etcd }, clients) => {
    const leader = await etcd.leader();
    await leader.stop();
    await more(clients, 400);
    await leader.go();
  },
  async ({ etcd }, clients) => {
    const followers = etcd.members.slice(0, 2);
    await Promise.all(followers.map((member) => member.stop()));
    await nobodyAnswers(clients);
    await Promise.all(followers.map((member) => member.go()));
  },
  async ({ etcd }, clients) => {
    const leader = await etcd.leader();
    await leader.kill();
    await more(clients, 400);
    await leader.start();
  },
  async ({ nodes }, clients) => {
    const node = nodes[2] as TestNode;
    node.signal("SIGSTOP");
    await more(clients, 400);
    node.signal("SIGCONT");
  },
];

async function more(clients: Clients, count: number): Promise<void> {
  const before = clients.answeredCount();
  await until(`${count} more are answered`, () => clients.answeredCount() >= before + count);
}

async function nobodyAnswers(clients: Clients): Promise<void> {
  const before = clients.unansweredCount();
  await until("nobody answers", () => clients.unansweredCount() > before + clientCount);
}

interface Run {
  readonly members: 1 | 3;
  readonly faults: readonly Fault[];
  readonly operationCount: number;
}

async function runUnder({ members, faults, operationCount }: Run): Promise<void> {
  await using cluster = await TestCluster.start({ nodeCount: 3, members });
  for (const Bucket of buckets) await cluster.node(0).client().send(new CreateBucketCommand({ Bucket }));
  const of = { credentials: testCredentials, patienceMs: 3_000 };
  const gateways = cluster.nodes.map((node) => new PresignedGateway(node.server.endpoint, of));
  const clients = startClients({ gateways, buckets, keys, clientCount, seed });
  for (const [index, fault] of faults.entries()) {
    const begun = (operationCount * (index + 0.5)) / faults.length;
    await until("the next fault is due", () => clients.answeredCount() >= begun, 600_000);
    await fault(cluster, clients);
  }
  await until("enough is answered", () => clients.answeredCount() >= operationCount, 600_000);
  const histories = await clients.stop();
  await Promise.all(gateways.map((gateway) => gateway.close()));
  expectLinearizable(histories, { operationCount });
}

describe.skipIf(!isHere)("three gateways of a cluster", () => {
  test(`answer as one store would, while nodes and etcd fail (seed ${seed})`, async () => {
    await runUnder({ members: 1, faults: faultsOfNodes, operationCount });
  }, 900_000);

  test(`answer as one store would, while members of etcd fail (seed ${seed})`, async () => {
    await runUnder({ members: 3, faults: faultsOfEtcd, operationCount: Math.min(operationCount, 5_000) });
  }, 900_000);
});
