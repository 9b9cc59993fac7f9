import { describe, test } from "vitest";
import type { TestNode } from "../harness/cluster.ts";
import type { EtcdMember } from "../harness/etcd/member.ts";
import { obtainEtcd } from "../harness/etcd/obtain-etcd.ts";
import { countFor } from "../harness/length.ts";
import { more, nobodyAnswers, runUnder, seed, type Fault } from "./run-under-faults.ts";

const isHere = (await obtainEtcd("current", "linearizability of a cluster")) !== null;
const operationCount = Number(
  process.env.KAKERA_LINEARIZABILITY_OPERATIONS ?? countFor({ whole: 50_000, ci: 50_000, here: 6_000 }),
);

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

describe.skipIf(!isHere)("three gateways of a cluster", () => {
  test(`answer as one store would, while nodes and etcd fail (seed ${seed})`, async () => {
    await runUnder({ members: 1, faults: faultsOfNodes, operationCount });
  }, 1_200_000);
});
