import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { CreateBucketCommand, type S3Client } from "@aws-sdk/client-s3";
import { createSeededRandom } from "@kakera/kernel";
import { TestCluster, type TestNode } from "../harness/cluster.ts";
import { obtainEtcd } from "../harness/etcd/obtain-etcd.ts";
import { until } from "../harness/server.ts";
import { KeyUser } from "./history.ts";
import { isWhole } from "./is-whole.ts";

const isHere = (await obtainEtcd("current", "clusters whose nodes fail")) !== null;
const Bucket = "bucket";
const sizes = [0, 500, 8_000, 60_000, 700_000];

const faults = [
  ["kill", 0],
  ["stop", 1],
  ["kill", 2],
] as const;

interface Load {
  /** Requests that were answered so far. Throws the first wrong answer. */
  answered(): number;
  stop(): Promise<void>;
}

/** Clients of keys of their own, through all nodes in turn, until it is stopped. Rejects there with the first wrong answer. */
function startLoad(cluster: TestCluster, of: { readonly users: readonly KeyUser[]; readonly seed: number }): Load {
  const random = createSeededRandom(of.seed);
  const keysPerClient = 4;
  // A node that stands still holds up whoever asks it for so long.
  const patienceMs = 2_000;
  const clients = cluster.nodes.map((node) => node.client(1, patienceMs));
  let [isOver, answered] = [false, 0];
  const below = (count: number): number => Math.floor(random.fraction() * count);
  const run = async (client: number): Promise<void> => {
    while (!isOver) {
      const user = of.users[client * keysPerClient + below(keysPerClient)] as KeyUser;
      const through = clients[below(clients.length)] as S3Client;
      const what = below(10);
      const isAnswered =
        what < 5
          ? await user.check(through)
          : what < 9
            ? await user.put(through, randomBytes(sizes[below(sizes.length)] as number))
            : await user.remove(through);
      if (isAnswered) answered++;
    }
  };
  const running = Promise.all(Array.from({ length: of.users.length / keysPerClient }, (_, client) => run(client)));
  let wrong: Error | null = null;
  running.catch((failure: Error) => {
    isOver = true;
    wrong = failure;
  });
  return {
    answered() {
      if (wrong !== null) throw wrong;
      return answered;
    },
    async stop() {
      isOver = true;
      await running;
    },
  };
}

async function checkAll(users: readonly KeyUser[], node: TestNode): Promise<void> {
  const client = node.client(3);
  for (const user of users) expect([user.key, await user.check(client)]).toEqual([user.key, true]);
}

describe.skipIf(!isHere)("a cluster of three nodes under load", () => {
  test("answers nothing wrong and loses nothing while one node after the other is killed or stands still", async () => {
    const env = { KAKERA_TEST_SETTINGS: JSON.stringify({ maintenanceIntervalMs: 500 }) };
    await using cluster = await TestCluster.start({ nodeCount: 3, env });
    await cluster.node(0).client().send(new CreateBucketCommand({ Bucket }));
    const users = Array.from({ length: 16 }, (_, i) => new KeyUser(Bucket, `key${i}`));
    for (const [fault, index] of faults) {
      const load = startLoad(cluster, { users, seed: 11 + index });
      await until("they answer", () => load.answered() > 50, 60_000);
      const node = cluster.node(index);
      if (fault === "kill") await node.kill();
      else node.signal("SIGSTOP");
      const before = load.answered();
      await until("the others answer", () => load.answered() > before + 40, 60_000);
      if (fault === "kill") await node.start();
      else node.signal("SIGCONT");
      await node.ready();
      await until("more is answered", () => load.answered() > before + 100, 60_000);
      await load.stop();
      const sinceMs = Date.now();
      // What was written meanwhile bears no other fault before it is repaired.
      await until("the cluster is whole again", () => isWhole(cluster, sinceMs), 120_000);
      for (const each of cluster.nodes) await checkAll(users, each);
    }
  }, 400_000);
});
