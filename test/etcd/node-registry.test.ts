import { describe, expect, test } from "vitest";
import { createSystemRandom, newId, silentLogger, systemClock } from "@kakera/kernel";
import { openNodeRegistry, type NodeRecord, type NodeRegistry } from "@kakera/metadata";
import { startEtcd, type EtcdCluster } from "../harness/etcd.ts";
import { obtainEtcd } from "../harness/etcd/obtain-etcd.ts";
import { until } from "../harness/server.ts";
import { startTcpProxy } from "../harness/tcp-proxy.ts";

const isHere = (await obtainEtcd("current", "the nodes of a cluster")) !== null;
const prefix = "/nodes/";
const random = createSystemRandom();

const open = (endpoints: readonly string[], nodeTtlSeconds = 15): Promise<NodeRegistry> =>
  openNodeRegistry(
    { access: { endpoints }, clock: systemClock, random, logger: silentLogger },
    { prefix, nodeTtlSeconds, openDeadlineMs: 10_000 },
  );

function node(host: string, more: Partial<NodeRecord> = {}): NodeRecord {
  return {
    nodeId: newId("node", random),
    address: `${host}:9010`,
    zone: null,
    rack: null,
    host,
    version: "0.1.0",
    roles: ["gateway", "storage"],
    drives: [{ driveId: newId("drive", random), sizeBytes: 1000, incarnation: 1 }],
    ...more,
  };
}

const hostsOf = ({ nodes }: NodeRegistry): string[] => [...nodes.values()].map(({ host }) => host).toSorted();

describe.skipIf(!isHere)("the nodes of a cluster", () => {
  test("are known to each other, with what they say of themselves last, until they go", async () => {
    await using etcd: EtcdCluster = await startEtcd({ version: "current", members: 1 });
    const [a, b] = [await open(etcd.endpoints), await open(etcd.endpoints)];
    const record = node("a");
    a.announce(record);
    b.announce(node("b"));
    for (const registry of [a, b]) await until("both are there", () => hostsOf(registry).join() === "a,b");
    a.announce({ ...record, drives: [] });
    await until("b hears of it", () => b.nodes.get(record.nodeId)?.drives.length === 0);
    const c = await open(etcd.endpoints);
    expect(hostsOf(c)).toEqual(["a", "b"]);
    await a.close();
    for (const registry of [b, c]) await until("a is gone", () => hostsOf(registry).join() === "b");
    await Promise.all([b.close(), c.close()]);
  });

  test("stay as they were while etcd is away, and those that are silent for longer than their lease are gone", async () => {
    await using etcd: EtcdCluster = await startEtcd({ version: "current", members: 1 });
    await using proxy = await startTcpProxy(Number(new URL(etcd.endpoints[0] as string).port));
    const watching = await open(etcd.endpoints, 2);
    const silent = await open([`http://127.0.0.1:${proxy.port}`], 2);
    silent.announce(node("silent"));
    watching.announce(node("watching"));
    await until("both are there", () => hostsOf(watching).join() === "silent,watching");
    const [member] = etcd.members;
    await member?.kill();
    await member?.start();
    proxy.hold();
    await until("one is gone", () => hostsOf(watching).join() === "watching", 20_000);
    proxy.release();
    await until("it is back", () => hostsOf(watching).join() === "silent,watching", 20_000);
    await Promise.all([watching.close(), silent.close()]);
  });

  test("of a later version, which nobody here can read, harm nobody", async () => {
    await using etcd: EtcdCluster = await startEtcd({ version: "current", members: 1 });
    const registry = await open(etcd.endpoints);
    await etcd.gateway.put(etcd.endpoints[0] as string, `${prefix}node/later`, '{"format":2}');
    registry.announce(node("a"));
    await until("a is there", () => hostsOf(registry).join() === "a");
    await registry.close();
  });
});
