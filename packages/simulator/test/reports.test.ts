import { createSeededRandom, newId, silentLogger, silentMeter } from "@kakera/kernel";
import { createMemoryView, openEtcdLog, type Change, type EtcdClient } from "@kakera/metadata";
import { expect, it } from "vitest";
import { etcdSettings, prefix } from "../src/cluster/cluster-settings.ts";
import { deadlineExceeded } from "../src/etcd/etcd-error.ts";
import { textOf } from "../src/etcd/key-text.ts";
import { createMemberClient } from "../src/etcd/member-client.ts";
import { SimulatedEtcd } from "../src/etcd/simulated-etcd.ts";
import { Machine } from "../src/world/machine.ts";
import { Network } from "../src/world/network.ts";
import { World } from "../src/world/world.ts";

it("a report that lands late does not take the place of a later one", async () => {
  const world = new World(5);
  const { time } = world;
  const network = new Network(world);
  const etcd = new SimulatedEtcd(world, 1);
  const machine = new Machine(world, "gateway");
  const member = etcd.members[0] as Machine;
  const link = { world, network, etcd, client: machine, member, onWatch: () => {}, onMessage: () => {} };
  let isHeld = false;
  let heldCount = 0;
  /** In the hands of a member that stands still: its sender gives up, and it lands two reports later. */
  const connect = (): EtcdClient => {
    const client = createMemberClient(link);
    const txn: EtcdClient["kv"]["txn"] = (request, options) => {
      const isReport = textOf(request.success?.[0]?.request_put?.key).startsWith(`${prefix}report/`);
      if (!isReport || !isHeld) return client.kv.txn(request, options);
      isHeld = false;
      heldCount++;
      time.after(2_500, () => void client.kv.txn(request, { deadline: machine.clock.nowMs() + 1_000 }));
      return Promise.reject(deadlineExceeded());
    };
    return { ...client, kv: { ...client.kv, txn } };
  };
  const seams = { clock: machine.clock, random: machine.random, logger: silentLogger, meter: silentMeter };
  const opening = openEtcdLog(
    { ...seams, access: { endpoints: ["etcd-1"], connect }, view: createMemoryView() },
    { ...etcdSettings, compaction: "off" },
  );
  await time.run(5_000);
  const log = await opening;
  const random = createSeededRandom(1);
  const commit = async (): Promise<void> => {
    const puts = [{ key: Buffer.from("Pk"), value: Buffer.from(random.bytes(4)) }];
    const change: Change = { id: newId("change", random), compares: [], puts, deletes: [], purpose: "write" };
    const committing = log.commit(change);
    await time.run(time.nowMs + 100);
    await committing;
  };
  isHeld = true;
  await commit();
  await time.run(time.nowMs + 1_500);
  expect(heldCount).toBe(1);
  await commit();
  await time.run(time.nowMs + 10_000);
  const reading = log.readSessions();
  await time.run(time.nowMs + 100);
  const report = (await reading)?.get(log.session)?.report;
  expect(report?.viewRevision).toBe(log.view.appliedRevision);
  const closing = log.close();
  await time.run(time.nowMs + 1_000);
  await closing;
});
