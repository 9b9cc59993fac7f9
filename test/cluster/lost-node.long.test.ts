import { createHash, randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { TestCluster } from "../harness/cluster.ts";
import { obtainEtcd } from "../harness/etcd/obtain-etcd.ts";
import { kakera, type Ran } from "../harness/kakera.ts";
import { until } from "../harness/server.ts";
import { isWhole } from "./is-whole.ts";

const isHere = (await obtainEtcd("current", "nodes that are lost for good")) !== null;
const Bucket = "bucket";
const digest = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

interface Status {
  readonly plan: { readonly plan: string; readonly state: string } | null;
  readonly drives: readonly { readonly driveId: string; readonly domain: string; readonly condition: string }[];
}

describe.skipIf(!isHere)("a node that is lost for good", () => {
  test("is forgotten drive by drive, from another node, and a new one takes its place", async () => {
    const settings = { maintenanceIntervalMs: 300, sessionTtlSeconds: 10, groupCount: 64 };
    const env = { KAKERA_TEST_SETTINGS: JSON.stringify(settings) };
    await using cluster = await TestCluster.start({ nodeCount: 3, env });
    const node = cluster.node(0);
    const ask = (...args: string[]): Promise<Ran> => kakera(...args, "--endpoint", node.server.endpoint, "--yes");
    await node.client().send(new CreateBucketCommand({ Bucket }));
    const contents = new Map<string, string>();
    for (let i = 0; i < 12; i++) {
      const Body = randomBytes(9_000 + i * 60_000);
      contents.set(`k${i}`, digest(Body));
      await node.client().send(new PutObjectCommand({ Bucket, Key: `k${i}`, Body }));
    }
    const lost = (await node.status<Status>()).drives.filter(({ domain }) => domain === "node3");
    expect(lost).toHaveLength(2);
    // As long as the node says that it has it open.
    const early = await ask("drive", "forget", lost[0]?.driveId ?? "");
    expect([early.code, early.stderr]).toEqual([
      4,
      expect.stringMatching(/node node3 has drive .* open: it is not lost/),
    ]);

    await cluster.node(2).end();
    await until("its record is gone", async () => {
      const { code } = await ask("drive", "forget", lost[0]?.driveId ?? "");
      return code === 0;
    });
    expect((await ask("drive", "forget", lost[1]?.driveId ?? "")).code).toBe(0);
    expect((await ask("drive", "forget", lost[1]?.driveId ?? "")).code).toBe(4);
    expect((await node.status<Status>()).drives.map(({ domain }) => domain)).not.toContain("node3");

    await cluster.join();
    cluster.nodes.splice(2, 1);
    let plan = "";
    await until("the new node is seen", async () => {
      const { code, stdout } = await ask("plan", "add", "--json");
      plan = code === 0 ? (JSON.parse(stdout) as { plan: string }).plan : "";
      return plan !== "";
    });
    expect((await ask("apply", plan)).code).toBe(0);
    await until("it is done", async () => (await node.status<Status>()).plan?.state === "done");
    const sinceMs = Date.now();
    await until("every chunk is whole", () => isWhole(cluster, sinceMs), 60_000);
    await cluster.node(1).kill();
    for (const each of [node, cluster.nodes.at(-1)]) {
      for (const [Key, expected] of contents) {
        const { Body } = await (each as typeof node).client().send(new GetObjectCommand({ Bucket, Key }));
        expect(digest((await Body?.transformToByteArray()) ?? new Uint8Array())).toBe(expected);
      }
    }
  }, 240_000);
});
