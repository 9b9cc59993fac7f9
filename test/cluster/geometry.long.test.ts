import { createHash, randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { TestCluster } from "../harness/cluster.ts";
import { obtainEtcd } from "../harness/etcd/obtain-etcd.ts";
import { kakera } from "../harness/kakera.ts";
import { until } from "../harness/server.ts";

const isHere = (await obtainEtcd("current", "clusters that get another geometry")) !== null;
const Bucket = "bucket";
const digest = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

interface Status {
  readonly plan: { readonly state: string } | null;
  readonly rewriteBytes: number;
  readonly geometry: { readonly k: number; readonly m: number };
}

describe.skipIf(!isHere)("a cluster of 2+1", () => {
  test("becomes one of 1+2 by a plan, with every object, small and large", async () => {
    const env = { KAKERA_TEST_SETTINGS: JSON.stringify({ maintenanceIntervalMs: 300 }) };
    await using cluster = await TestCluster.start({ nodeCount: 3, drivesPerNode: 1, env });
    const client = cluster.node(0).client();
    await client.send(new CreateBucketCommand({ Bucket }));
    const contents = new Map<string, string>();
    for (const [i, sizeBytes] of [100, 9_000, 60_000, 300_000, 3_000_000].entries()) {
      const Body = randomBytes(sizeBytes);
      contents.set(`k${i}`, digest(Body));
      await client.send(new PutObjectCommand({ Bucket, Key: `k${i}`, Body }));
    }
    const ask = async (...args: string[]): Promise<string> => {
      const { code, stdout, stderr } = await kakera(...args, "--endpoint", cluster.node(1).server.endpoint, "--yes");
      expect([code, stderr]).toEqual([0, ""]);
      return stdout;
    };
    expect(await ask("explain", `s3://${Bucket}/k4`)).toMatch(/2\+1, group/);
    const { plan } = JSON.parse(await ask("plan", "geometry", "1+2", "--json")) as { plan: string };
    await ask("apply", plan);
    await until("all is written anew", async () => {
      const status = await cluster.node(2).status<Status>();
      return status.plan?.state === "done" && status.rewriteBytes === 0 && status.geometry.m === 2;
    });
    for (const key of ["k1", "k2", "k3", "k4"])
      expect(await ask("explain", `s3://${Bucket}/${key}`, "--read")).toMatch(/1\+2, group/);
    for (const node of cluster.nodes) {
      for (const [Key, expected] of contents) {
        const { Body } = await node.client().send(new GetObjectCommand({ Bucket, Key }));
        expect(digest((await Body?.transformToByteArray()) ?? new Uint8Array())).toBe(expected);
      }
    }
  });
});
