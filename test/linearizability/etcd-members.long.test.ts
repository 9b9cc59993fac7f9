import { describe, test } from "vitest";
import type { TestNode } from "../harness/cluster.ts";
import { obtainEtcd } from "../harness/etcd/obtain-etcd.ts";
import { more, nobodyAnswers, runUnder, seed, type Fault } from "./run-under-faults.ts";

const isHere = (await obtainEtcd("current", "linearizability of a cluster")) !== null;
const operationCount = Number(process.env.KAKERA_LINEARIZABILITY_OPERATIONS ?? 5_000);

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

describe.skipIf(!isHere)("three gateways of a cluster", () => {
  test(`answer as one store would, while members of etcd fail (seed ${seed})`, async () => {
    await runUnder({ members: 3, faults: faultsOfEtcd, operationCount });
  }, 900_000);
});
