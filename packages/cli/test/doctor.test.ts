import { describe, expect, test } from "vitest";
import { createSeededRandom, newId } from "@kakera/kernel";
import type { EtcdExamination, NodeRecord } from "@kakera/metadata";
import { judgeEtcd, judgeReach, judgeVersions } from "../src/doctor/judge-etcd.ts";
import { judgeClock, judgeFileSystem, judgeMemory } from "../src/doctor/judge-machine.ts";
import { idleProbe, run } from "./fake-terminal.ts";

const member = {
  endpoint: "http://e1:2379",
  answer: {
    version: "3.6.16",
    isSoundVersion: true,
    isLeader: true,
    hasLeader: true,
    sizeBytes: 2 ** 20,
    quotaBytes: 2 ** 31,
  },
};
const well: EtcdExamination = { members: [member], commitMs: [2, 3, 4], isShared: false, nodes: [] };
const silent = { endpoint: "http://e2:2379", answer: null };
const reasons = (found: EtcdExamination): (string | null)[] =>
  judgeEtcd(found)
    .map(({ reason }) => reason)
    .filter((reason) => reason !== null);
const node: NodeRecord = {
  nodeId: newId("node", createSeededRandom(1)),
  address: "10.0.0.1:9010",
  zone: null,
  rack: null,
  host: "a",
  version: "1.0.0",
  roles: ["gateway"],
  drives: [],
};

describe("judgeEtcd()", () => {
  test("finds nothing wrong with one that is well, and says how it commits", () => {
    expect(reasons(well)).toEqual([]);
    expect(judgeEtcd(well)[1]?.sentence).toBe("median 3.0 ms, slowest of 3 4.0 ms");
  });

  test.each<[string, Partial<EtcdExamination>, string[]]>([
    ["a member that is silent", { members: [member, member, silent] }, ["LOG_UNREACHABLE"]],
    ["an old one", { members: [{ ...member, answer: { ...member.answer, isSoundVersion: false } }] }, ["ETCD_VERSION"]],
    [
      "one without a leader",
      { members: [{ ...member, answer: { ...member.answer, hasLeader: false } }] },
      ["LOG_UNREACHABLE"],
    ],
    ["a full one", { members: [{ ...member, answer: { ...member.answer, quotaBytes: 2 ** 20 } }] }, ["LOG_SPACE"]],
    ["slow commits", { commitMs: [60, 60, 60] }, ["LOG_SLOW"]],
    ["one slow commit", { commitMs: [1, 1, 900] }, ["LOG_SLOW"]],
    ["no commits", { commitMs: null }, ["LOG_UNREACHABLE"]],
    ["somebody else's keys", { isShared: true }, ["ETCD_SHARED"]],
    ["what nobody says", { isShared: null }, []],
  ])("%s", (_, found, expected) => {
    expect(reasons({ ...well, ...found })).toEqual(expected);
  });

  test("takes a member for a warning, and the loss of a majority for a failure", () => {
    expect(judgeEtcd({ ...well, members: [member, member, silent] })[2]?.state).toBe("warning");
    expect(judgeEtcd({ ...well, members: [member, silent, silent] })[1]?.state).toBe("failure");
  });
});

test("judgeVersions() names who runs what while they differ", () => {
  expect(judgeVersions([node, node])).toMatchObject({ state: "ok" });
  expect(judgeVersions([])).toMatchObject({ state: "ok" });
  expect(judgeVersions([node, { ...node, host: "b", version: "1.1.0" }])).toMatchObject({
    reason: "VERSION_SKEW",
    sentence: "1.0.0: a; 1.1.0: b",
  });
});

test("judgeReach() names the node, and what to open", () => {
  expect(judgeReach(node, "reached").state).toBe("ok");
  expect(judgeReach(node, "silent")).toMatchObject({ reason: "NODE_DOWN", subject: "a (10.0.0.1:9010)" });
});

test("judgeFileSystem() warns of what is no drive", async () => {
  const folder = await idleProbe.folder("/d");
  expect(judgeFileSystem(folder)).toMatchObject({ state: "ok", sentence: "on xfs" });
  expect(judgeFileSystem({ ...folder, fileSystem: null })).toBeNull();
  for (const [fileSystem, reason] of [
    ["nfs", "NETWORK_FILESYSTEM"],
    ["overlay", "CONTAINER_LAYER"],
    ["tmpfs", "MEMORY_FILESYSTEM"],
  ] as const)
    expect(judgeFileSystem({ ...folder, fileSystem })).toMatchObject({ state: "warning", reason });
});

test("judgeMemory() and judgeClock() leave room for what is usual", () => {
  expect(judgeMemory(null).state).toBe("ok");
  expect(judgeMemory(2 ** 30).state).toBe("ok");
  expect(judgeMemory(2 ** 29).reason).toBe("MEMORY_LOW");
  // The answer took nine seconds, and the server's clock lies within.
  expect(judgeClock(5_000, { askedMs: 0, answeredMs: 9_000 }).state).toBe("ok");
  expect(judgeClock(12_000, { askedMs: 0, answeredMs: 9_000 }).reason).toBe("CLOCK_SKEW");
  expect(judgeClock(0, { askedMs: 3_000, answeredMs: 9_000 }).reason).toBe("CLOCK_SKEW");
});

test("kakera doctor --etcd looks at etcd and at the nodes that it knows", async () => {
  const probe = {
    ...idleProbe,
    etcd: async () => ({ ...well, nodes: [node] }),
    reach: async () => "refused" as const,
  };
  const environment = { KAKERA_ENDPOINT: "http://127.0.0.1:1" };
  const { exitCode, printed } = await run(["doctor", "/d1", "--etcd", "http://e1:2379"], { environment }, probe);
  expect(exitCode).toBe(1);
  expect(printed).toContain("ok       http://e1:2379: etcd 3.6.16, leads, 1 MiB of 2.0 GiB");
  expect(printed.join("\n")).toContain("FAILURE  a (10.0.0.1:9010): NODE_DOWN: refuses connections from here");
  const wrong = await run(["doctor", "--etcd", "e1:2379"], { environment }, probe);
  expect(wrong.exitCode).toBe(2);
});
