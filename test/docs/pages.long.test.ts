import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { obtainEtcd } from "../harness/etcd/obtain-etcd.ts";
import { createS3Client, type S3Client } from "../harness/request.ts";
import { root, testCredentials } from "../harness/server.ts";
import { Machines } from "./machines.ts";
import { readPage } from "./read-page.ts";
import { runPage } from "./run-page.ts";

const folder = join(root, "docs", "operations");
/** One cluster lives through all of them, in this order. */
const pages = [
  "README.md",
  "replace-a-drive.md",
  "grow.md",
  "lose-a-node.md",
  "disk-full.md",
  "upgrade.md",
  "restore-etcd.md",
];
const programs = await obtainEtcd("current", "docs");
const nodes = ["node1", "node2", "node3", "node4"];
const bodies = new Map(
  [600, 5_000, 60_000, 400_000, 9_000_000].map((sizeBytes) => [
    `/photos/of-${sizeBytes}`,
    Buffer.alloc(sizeBytes, "kakera "),
  ]),
);

describe.skipIf(programs === null)("the pages for operators: every block does what the page says", () => {
  let machines: Machines;
  let client: S3Client;

  beforeAll(async () => {
    machines = new Machines(programs as NonNullable<typeof programs>, nodes.length);
    await machines.addEtcd();
    for (const node of [...nodes, "node5"]) await machines.addNode(node);
    await machines.systemctl("etcd", "start", "etcd");
    for (const node of nodes) await machines.systemctl(node, "start", "kakera");
    for (const node of nodes) await machines.ready(node);
    client = createS3Client(machines.urlOf("node1"), testCredentials, { connections: 4 });
    expect((await client.send({ method: "PUT", target: "/photos" })).status).toBe(200);
    for (const [target, body] of bodies)
      expect((await client.send({ method: "PUT", target, body })).status, target).toBe(200);
  });

  afterAll(async () => {
    client?.close();
    await machines?.[Symbol.asyncDispose]();
  });

  test.each(pages)("%s", async (name) => {
    await runPage(join(folder, name), machines);
    for (const [target, body] of bodies) {
      const answer = await client.send({ method: "GET", target });
      expect(answer.status, target).toBe(200);
      expect(answer.body.equals(body), target).toBe(true);
    }
  });
});

test("no page for operators is left out, and each has blocks that are run", async () => {
  expect(
    readdirSync(folder)
      .filter((name) => name.endsWith(".md"))
      .toSorted(),
  ).toEqual(pages.toSorted());
});

test("readPage() takes visible and invisible blocks, what they print, and how they end", () => {
  const page =
    "Text\n```sh\na\nb\n```\n\n```text\nx ... y\n```\n<!-- sh\nhidden\n-->\n<!-- exit: 3 -->\n```sh\nc\n```\n```console\nnot run\n```\n";
  expect(readPage(page)).toEqual([
    { line: 2, script: "a\nb", exitCode: 0, expected: ["x ... y"] },
    { line: 10, script: "hidden", exitCode: 0, expected: [] },
    { line: 14, script: "c", exitCode: 3, expected: [] },
  ]);
});
