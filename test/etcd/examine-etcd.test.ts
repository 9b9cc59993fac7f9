import { describe, expect, test } from "vitest";
import { createSystemRandom, newId, silentLogger, systemClock } from "@kakera/kernel";
import { examineEtcd, openNodeRegistry } from "@kakera/metadata";
import { startEtcd, type EtcdCluster } from "../harness/etcd.ts";
import { obtainEtcd } from "../harness/etcd/obtain-etcd.ts";
import { freePort } from "../harness/free-port.ts";

const isHere = (await obtainEtcd("current", "doctor --etcd")) !== null;
const prefix = "/kakera/";
const random = createSystemRandom();
const examine = (endpoints: readonly string[]) =>
  examineEtcd({ access: { endpoints }, clock: systemClock, random }, { prefix });

describe.skipIf(!isHere)("examineEtcd()", () => {
  test("sees members, commits and nodes, and leaves nothing behind", async () => {
    await using etcd: EtcdCluster = await startEtcd({ version: "current", members: 1 });
    const registry = await openNodeRegistry(
      { access: { endpoints: etcd.endpoints }, clock: systemClock, random, logger: silentLogger },
      { prefix },
    );
    try {
      const nodeId = newId("node", random);
      const place = { address: "a:9010", zone: null, rack: null, host: "a", version: "1.0.0" };
      registry.announce({ nodeId, ...place, roles: ["gateway"], drives: [] });
      const nowhere = `http://127.0.0.1:${await freePort()}`;
      const isKnown = async (): Promise<boolean> => (await examine(etcd.endpoints)).nodes.length === 1;
      while (!(await isKnown()));
      const found = await examine([...etcd.endpoints, nowhere]);
      expect(found.members[0]?.answer).toMatchObject({ isSoundVersion: true, isLeader: true, hasLeader: true });
      expect(found.members[1]).toEqual({ endpoint: nowhere, answer: null });
      expect(found.commitMs).toHaveLength(20);
      expect(found.commitMs?.every((durationMs) => durationMs > 0)).toBe(true);
      expect(found).toMatchObject({ isShared: false, nodes: [{ host: "a", version: "1.0.0" }] });
      const range = { key: Buffer.from(`${prefix}doctor/`), range_end: Buffer.from(`${prefix}doctor0`) };
      const left = await etcd.gateway.call<{ count?: string }>(etcd.endpoints[0] as string, "kv/range", {
        key: range.key.toString("base64"),
        range_end: range.range_end.toString("base64"),
        count_only: true,
      });
      expect(left.count ?? "0").toBe("0");
    } finally {
      await registry.close();
    }
  });

  test("says that nothing can be had where there is no etcd", async () => {
    const found = await examine([`http://127.0.0.1:${await freePort()}`]);
    expect(found).toMatchObject({ commitMs: null, isShared: null, nodes: [] });
  });
});
