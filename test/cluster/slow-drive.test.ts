import { randomBytes } from "node:crypto";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { TestCluster } from "../harness/cluster.ts";
import { obtainEtcd } from "../harness/etcd/obtain-etcd.ts";

const isHere = (await obtainEtcd("current", "a slow drive of a cluster")) !== null;
const Bucket = "bucket";
const objectCount = 60;
const readersPerNode = 2;
const heldReadMs = 2_000;

interface Reads {
  readonly count: number;
  readonly slowCount: number;
  readonly hedges: number;
}

/** Every object of all nodes, again and again; `slowCount`: of GETs that took more than a second. */
async function readAll(cluster: TestCluster, bodies: ReadonlyMap<string, Buffer>, rounds: number): Promise<Reads> {
  const before = await hedgesOf(cluster);
  let [count, slowCount] = [0, 0];
  const readOf = async (client: S3Client, reader: number): Promise<void> => {
    for (let i = reader; i < bodies.size * rounds; i += readersPerNode) {
      const [Key, body] = [...bodies][i % bodies.size] as [string, Buffer];
      const startMs = performance.now();
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
      expect(body.equals(Buffer.from((await Body?.transformToByteArray()) ?? []))).toBe(true);
      count++;
      if (performance.now() - startMs > 1_000) slowCount++;
    }
  };
  await Promise.all(
    cluster.nodes.flatMap((node) =>
      Array.from({ length: readersPerNode }, (_, reader) => readOf(node.client(), reader)),
    ),
  );
  return { count, slowCount, hedges: (await hedgesOf(cluster)) - before };
}

async function hedgesOf(cluster: TestCluster): Promise<number> {
  let hedges = 0;
  for (const node of cluster.nodes) {
    const text = await (await fetch(`${node.server.endpoint}/metrics`)).text();
    hedges += Number(/^kakera_hedged_reads_total(?:\{[^}]*\})? (\d+)/m.exec(text)?.[1] ?? 0);
  }
  return hedges;
}

describe.skipIf(!isHere)("a cluster of three nodes with a drive that holds every read for 2 s", () => {
  test("makes nobody wait for it, and hardly an extra read once it is known", async () => {
    const env = { KAKERA_TEST_SETTINGS: JSON.stringify({ heldReadMs }) };
    await using cluster = await TestCluster.start({ nodeCount: 3, env });
    const client = cluster.node(0).client();
    await client.send(new CreateBucketCommand({ Bucket }));
    const bodies = new Map<string, Buffer>();
    for (let i = 0; i < objectCount; i++) {
      const body = randomBytes(150_000);
      await client.send(new PutObjectCommand({ Bucket, Key: `k${i}`, Body: body }));
      bodies.set(`k${i}`, body);
    }
    const mark = join(cluster.node(1).directory, "drive1", "hold-reads");
    writeFileSync(mark, "");
    const atFirst = await readAll(cluster, bodies, 1);
    // Somebody had to find out.
    expect(atFirst.hedges).toBeGreaterThan(0);
    const known = await readAll(cluster, bodies, 6);
    expect(known.count).toBeGreaterThanOrEqual(1_000);
    expect(known.slowCount).toBe(0);
    // Each GET reads two shards.
    expect(known.hedges).toBeLessThanOrEqual(known.count * 2 * 0.05);
    rmSync(mark);
    expect((await readAll(cluster, bodies, 1)).slowCount).toBe(0);
  }, 300_000);
});
