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
  readonly counts: { puts: number; deletes: number; gets: number; unanswered: number };
  readonly users: readonly KeyUser[];
  /** Requests that were answered so far. Throws the first wrong answer. */
  answered(): number;
  stop(): Promise<void>;
}

/** Clients of keys of their own, through all nodes in turn, until it is stopped. Rejects there with the first wrong answer. */
function startLoad(cluster: TestCluster, of: { readonly clients: number; readonly seed: number }): Load {
  const random = createSeededRandom(of.seed);
  const counts = { puts: 0, deletes: 0, gets: 0, unanswered: 0 };
  const users = Array.from({ length: of.clients * 4 }, (_, i) => new KeyUser(Bucket, `key${i}`));
  const clients = cluster.nodes.map((node) => node.client(1));
  let isOver = false;
  const below = (count: number): number => Math.floor(random.fraction() * count);
  const run = async (client: number): Promise<void> => {
    while (!isOver) {
      const user = users[client * 4 + below(4)] as KeyUser;
      const through = clients[below(clients.length)] as S3Client;
      const what = below(10);
      const isAnswered =
        what < 5
          ? await user.check(through)
          : what < 9
            ? await user.put(through, randomBytes(sizes[below(sizes.length)] as number))
            : await user.remove(through);
      if (!isAnswered) counts.unanswered++;
      else if (what < 5) counts.gets++;
      else if (what < 9) counts.puts++;
      else counts.deletes++;
    }
  };
  const running = Promise.all(Array.from({ length: of.clients }, (_, client) => run(client)));
  let wrong: Error | null = null;
  running.catch((failure: Error) => {
    isOver = true;
    wrong = failure;
  });
  return {
    counts,
    users,
    answered() {
      if (wrong !== null) throw wrong;
      return counts.puts + counts.gets + counts.deletes;
    },
    async stop() {
      isOver = true;
      await running;
    },
  };
}

async function checkAll(load: Load, node: TestNode): Promise<void> {
  const client = node.client(3);
  for (const user of load.users) expect([user.key, await user.check(client)]).toEqual([user.key, true]);
}

describe.skipIf(!isHere)("a cluster of three nodes under load", () => {
  test("answers nothing wrong and loses nothing while one node after the other is killed or stands still", async () => {
    const env = { KAKERA_TEST_SETTINGS: JSON.stringify({ maintenanceIntervalMs: 500 }) };
    await using cluster = await TestCluster.start({ nodeCount: 3, env });
    await cluster.node(0).client().send(new CreateBucketCommand({ Bucket }));
    const load = startLoad(cluster, { clients: 6, seed: 11 });
    for (const [fault, index] of faults) {
      const node = cluster.node(index);
      const before = load.answered();
      if (fault === "kill") await node.kill();
      else node.signal("SIGSTOP");
      await until("the others answer", () => load.answered() > before + 30, 60_000);
      if (fault === "kill") await node.start();
      else node.signal("SIGCONT");
      const sinceMs = Date.now();
      await node.ready();
      // What was written meanwhile bears no other fault before it is repaired.
      await until("the cluster is whole again", () => isWhole(cluster, sinceMs), 120_000);
    }
    await load.stop();
    for (const node of cluster.nodes) await checkAll(load, node);
    expect(load.counts.puts).toBeGreaterThan(100);
    expect(load.counts.gets).toBeGreaterThan(100);
  }, 400_000);
});
