import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createMemoryView, type WritableView } from "@kakera/metadata";
import { describeLog } from "../../packages/metadata/test/contract/log-contract.ts";
import { startEtcd } from "../harness/etcd.ts";
import type { EtcdCluster } from "../harness/etcd/cluster.ts";
import { obtainEtcd, type EtcdVersion } from "../harness/etcd/obtain-etcd.ts";
import { until } from "../harness/server.ts";
import { fileView, openLog } from "./open-log.ts";

let prefixes = 0;

for (const version of ["current", "debian"] as const satisfies EtcdVersion[]) {
  const isHere = (await obtainEtcd(version, `the contract over etcd (${version})`)) !== null;
  describe.skipIf(!isHere)(`etcd (${version})`, () => {
    let etcd: EtcdCluster;
    beforeAll(async () => {
      etcd = await startEtcd({ version, members: 1 });
    });
    afterAll(() => etcd.dispose());

    for (const kind of ["memory view", "LMDB view"] as const) {
      describeLog(`EtcdLog, ${kind}`, () => {
        const prefix = `/contract-${prefixes++}/`;
        const files = fileView();
        let view: WritableView | null = null;
        const open = async () => {
          await view?.close();
          view = kind === "memory view" ? createMemoryView() : files.open();
          const settings = { allowOldEtcd: version === "debian" };
          return (await openLog({ endpoints: etcd.endpoints, prefix, view, settings })).log;
        };
        return {
          open,
          reopen: open,
          async cleanUp() {
            await view?.close();
            files.remove();
          },
        };
      });
    }

    test("is told of when its version is taken by the operator's word alone", async () => {
      const settings = { allowOldEtcd: true, spacePollMs: 20 };
      await using opened = await openLog({ endpoints: etcd.endpoints, prefix: "/allowed/", settings });
      await etcd.gateway.put(etcd.endpoints[0] as string, "/foreign", "x");
      await until("it was looked at", () => opened.log.etcd.isShared);
      const { unsoundVersion } = opened.log.etcd;
      expect(unsoundVersion).toEqual(version === "debian" ? expect.stringMatching(/^3\.\d+\.\d+$/) : null);
    });

    test("is taken at its word about its version", async () => {
      const opened = openLog({ endpoints: etcd.endpoints, prefix: "/version/" });
      if (version === "debian") await expect(opened).rejects.toMatchObject({ kind: "halt", reason: "ETCD_VERSION" });
      else await (await opened).log.close();
    });
  });
}
