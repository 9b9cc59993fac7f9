import { createHash, randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { createSeededRandom } from "@kakera/kernel";
import { TestCluster, type TestNode } from "../harness/cluster.ts";
import { obtainEtcd } from "../harness/etcd/obtain-etcd.ts";
import { countFor } from "../harness/length.ts";
import { until } from "../harness/server.ts";
import { KeyUser } from "./history.ts";
import { isWhole } from "./is-whole.ts";
import { withLogs } from "./with-logs.ts";

const isHere = (await obtainEtcd("current", "six nodes of which any two are killed")) !== null;
const Bucket = "bucket";
const sizes = [0, 600, 9_000, 70_000, 500_000, 2_500_000];
const rounds = countFor({ whole: 8, ci: 1, here: 1 });

type Below = (count: number) => number;

/** Requests go on until it is stopped; the first failure of one that must not fail is kept, and ends it. */
class Load {
  readonly #running: Promise<void>[] = [];
  #failure: Error | null = null;
  #isOver = false;
  answered = 0;

  /** `request` resolves to whether there was an answer. */
  run(request: () => Promise<boolean>): void {
    this.#running.push(this.#again(request));
  }

  async #again(request: () => Promise<boolean>): Promise<void> {
    while (!this.#isOver) {
      try {
        if (await request()) this.answered++;
      } catch (failure) {
        this.#failure ??= failure as Error;
        this.#isOver = true;
      }
    }
  }

  /** Waits for so many answers more. Throws what failed. */
  async more(count: number): Promise<void> {
    const goal = this.answered + count;
    await until(`${count} more answers`, () => this.#failure !== null || this.answered >= goal, 120_000);
    if (this.#failure !== null) throw this.#failure;
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#running);
    if (this.#failure !== null) throw this.#failure;
  }
}

const digest = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

/** Objects that all nodes took part in, with the digests of their bodies. */
async function writeAtFullStrength(client: S3Client): Promise<Map<string, string>> {
  const written = new Map<string, string>();
  for (const [i, sizeBytes] of sizes.entries()) {
    const body = randomBytes(sizeBytes);
    await client.send(new PutObjectCommand({ Bucket, Key: `full${i}`, Body: body }));
    written.set(`full${i}`, digest(body));
  }
  return written;
}

async function expectSame(client: S3Client, key: string, expected: string): Promise<void> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: key }));
  expect([key, digest(Buffer.from((await Body?.transformToByteArray()) ?? []))]).toEqual([key, expected]);
}

/** One request of one key of its own: read, written or deleted. */
function useOnce(user: KeyUser, client: S3Client, below: Below): Promise<boolean> {
  const what = below(10);
  if (what < 5) return user.check(client);
  return what < 9 ? user.put(client, randomBytes(sizes[below(sizes.length)] as number)) : user.remove(client);
}

/** How many chunks the node's metrics count as short of one shard or more. */
async function chunksShort(node: TestNode): Promise<number> {
  const text = await (await fetch(`${node.server.endpoint}/metrics`)).text();
  return text
    .split("\n")
    .filter((line) => /^kakera_census_chunks\{missing="[1-9]/.test(line))
    .reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}

describe.skipIf(!isHere)("a cluster of six nodes that keeps shards as 4+2, and three members of etcd", () => {
  test("answers every request while any two nodes are killed at random moments, and has everything when they return", async () => {
    const random = createSeededRandom(Number(process.env["KAKERA_TEST_SEED"] ?? 6));
    const below: Below = (count) => Math.floor(random.fraction() * count);
    const env = {
      KAKERA_TEST_SETTINGS: JSON.stringify({ maintenanceIntervalMs: 500 }),
      KAKERA_METRICS_AUTH: "public",
    };
    await using cluster = await TestCluster.start({ nodeCount: 6, drivesPerNode: 1, members: 3, env });
    await cluster.client().send(new CreateBucketCommand({ Bucket }));
    const { geometry } = await cluster.node(3).status<{ geometry: object }>();
    expect(geometry).toEqual({ k: 4, m: 2 });
    const written = await writeAtFullStrength(cluster.client());
    const names = [...written.keys()];
    // Through every gateway in turn, with the retries that the SDK makes by itself: each of their requests is answered.
    const patient = Array.from({ length: 12 }, (_, i) => new KeyUser(Bucket, `patient${i}`));
    // Through one gateway each, once: what a killed one was at is cut, and never answered wrong.
    const single = Array.from({ length: 6 }, (_, i) => new KeyUser(Bucket, `single${i}`));
    const round = async (): Promise<void> => {
      const victims = [below(6), below(5)] as const;
      const killed = [victims[0], victims[1] + (victims[1] >= victims[0] ? 1 : 0)].map((index) => cluster.node(index));
      const left = cluster.nodes.filter((node) => !killed.includes(node));
      const load = new Load();
      for (let i = 0; i < 3; i++) {
        const client = cluster.client();
        load.run(async () => {
          const user = patient[i * 4 + below(4)] as KeyUser;
          if (!(await useOnce(user, client, below))) throw user.failure as Error;
          return true;
        });
      }
      for (const user of single) {
        const clients = cluster.nodes.map((node) => node.client(1, 5_000));
        load.run(() => useOnce(user, clients[below(6)] as S3Client, below));
      }
      for (const node of left) {
        const client = node.client(1, 30_000);
        const name = (): string => names[below(names.length)] as string;
        load.run(async () => {
          const key = name();
          await expectSame(client, key, written.get(key) as string);
          return true;
        });
      }
      await load.more(60 + below(60));
      await killed[0]?.kill();
      await load.more(below(60));
      await killed[1]?.kill();
      await load.more(150);
      await until(
        "the metrics of every survivor count what is short",
        async () => (await Promise.all(left.map(chunksShort))).every((count) => count > 0),
        // One of the killed may have led: then the count waits for its lease to end, and begins anew.
        180_000,
      );
      for (const [key, expected] of written)
        await expectSame((left[below(left.length)] as TestNode).client(), key, expected);
      await Promise.all(killed.map((each) => each.start()));
      await Promise.all(killed.map((each) => each.ready()));
      await load.more(100);
      await load.stop();
      const sinceMs = Date.now();
      await until("the cluster is whole again", () => isWhole(cluster, sinceMs), 120_000);
      for (const each of cluster.nodes) {
        const client = each.client(3);
        for (const user of [...patient, ...single])
          expect([user.key, await user.check(client)]).toEqual([user.key, true]);
      }
    };
    for (let count = 0; count < rounds; count++) {
      await round().catch((failure: Error) => {
        throw withLogs(failure, cluster);
      });
    }
  }, 1_200_000);
});
