import { createHash, randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { TestCluster } from "../harness/cluster.ts";
import { obtainEtcd } from "../harness/etcd/obtain-etcd.ts";
import { kakera } from "../harness/kakera.ts";
import { until } from "../harness/server.ts";

const isHere = (await obtainEtcd("current", "nodes that get a drive more")) !== null;
const Bucket = "bucket";
const digest = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

interface Status {
  readonly plan: { readonly state: string } | null;
  readonly drives: readonly { readonly driveId: string; readonly shardCount: number }[];
}

describe.skipIf(!isHere)("a node of a cluster", () => {
  test("gets a drive more, which a plan gives a share of what the node holds", async () => {
    const settings = { maintenanceIntervalMs: 300, groupCount: 64 };
    const env = { KAKERA_TEST_SETTINGS: JSON.stringify(settings) };
    await using cluster = await TestCluster.start({ nodeCount: 3, drivesPerNode: 1, env });
    const client = cluster.node(0).client();
    await client.send(new CreateBucketCommand({ Bucket }));
    const contents = new Map<string, string>();
    for (let i = 0; i < 40; i++) {
      const Body = randomBytes(20_000 + i * 5_000);
      contents.set(`k${i}`, digest(Body));
      await client.send(new PutObjectCommand({ Bucket, Key: `k${i}`, Body }));
    }
    const [before] = cluster.nodes.splice(2, 1);
    await before?.stop();
    const node = before?.widened(2);
    if (node === undefined) throw new Error("there is no third node");
    cluster.nodes.push(node);
    mkdirSync(join(node.directory, "drive2"));
    await node.start();
    await node.ready();
    const ask = async (...args: string[]): Promise<string> => {
      const { code, stdout, stderr } = await kakera(...args, "--endpoint", node.server.endpoint, "--yes");
      expect([code, stderr]).toEqual([0, ""]);
      return stdout;
    };
    const added = JSON.parse(await ask("drive", "add", join(node.directory, "drive2"), "--json")) as {
      driveId: string;
    };
    let plan = "";
    await until("every node knows of it", async () => {
      const { code, stdout } = await kakera("plan", "add", "--json", "--endpoint", cluster.node(0).server.endpoint);
      plan = code === 0 ? (JSON.parse(stdout) as { plan: string }).plan : "";
      return plan !== "";
    });
    await ask("apply", plan);
    await until("it holds its share", async () => {
      const { plan: now, drives } = await node.status<Status>();
      const held = drives.find(({ driveId }) => driveId === added.driveId)?.shardCount ?? 0;
      return now?.state === "done" && held > 0;
    });
    for (const each of cluster.nodes) {
      for (const [Key, expected] of contents) {
        const { Body } = await each.client().send(new GetObjectCommand({ Bucket, Key }));
        expect(digest((await Body?.transformToByteArray()) ?? new Uint8Array())).toBe(expected);
      }
    }
  }, 240_000);
});
