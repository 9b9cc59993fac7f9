import { describe, expect, test } from "vitest";
import { createSystemRandom, newId } from "@kakera/kernel";
import type { Change, View } from "@kakera/metadata";
import { startCallRelay, type EtcdCall } from "../harness/etcd/call-relay.ts";
import type { EtcdCluster } from "../harness/etcd/cluster.ts";
import { obtainEtcd } from "../harness/etcd/obtain-etcd.ts";
import { startEtcd } from "../harness/etcd.ts";
import { until } from "../harness/server.ts";
import { change, key, openLog, rowsOf, valueOf } from "./open-log.ts";

/** Findings of correctness.md that need an etcd which answers late, out of date, or twice: each is red over the naive form. */
const isHere = (await obtainEtcd("current", "findings over etcd")) !== null;
const prefix = "/findings/";
const random = createSystemRandom();
const [txn, range, watch] = ["/etcdserverpb.KV/Txn", "/etcdserverpb.KV/Range", "/etcdserverpb.Watch/Watch"];
const first = ({ endpoints }: EtcdCluster): string => endpoints[0] as string;
const refused = { kind: "retry", reason: "LOG_UNREACHABLE" };

describe.skipIf(!isHere)("a log over etcd", () => {
  test("F17: shows a view that is read anew only when it has passed the tail that was read last", async () => {
    await using etcd = await startEtcd({ version: "current", members: 1, fsync: "off" });
    await using relay = await startCallRelay(first(etcd));
    await using writer = await openLog({ endpoints: etcd.endpoints, prefix });
    // Two keys with more than a page of others between them, always changed together.
    const filled = Array.from({ length: 100 }, (_, part) =>
      writer.log.commit(change(Object.fromEntries(Array.from({ length: 120 }, (_row, i) => [`${part}-${i}`, ""])))),
    );
    await Promise.all(filled);
    const [low, high] = [Buffer.from("A"), Buffer.from("z")];
    let round = 0;
    const both = (): Change => {
      const value = Buffer.from(`${round++}`);
      const puts = [low, high].map((each) => ({ key: each, value }));
      return { id: newId("change", random), purpose: "write", compares: [], puts, deletes: [] };
    };
    await writer.log.commit(both());
    let barriers = 0;
    let tailReads = 0;
    relay.onAnswer = ({ path }, answer) => {
      if (path === txn && answer.includes(`${prefix}m/t`)) barriers++;
      return answer;
    };
    relay.hold(watch);
    relay.onCall = async ({ path, message }) => {
      if (path !== range) return;
      if (message.includes(`${prefix}m/t`)) tailReads++;
      // The first is the look whether there is a log. Whoever waits asked before all that follows: its barrier is read.
      if (tailReads > 1) await until("the barrier is read", () => barriers > 0);
      await writer.log.commit(both());
    };
    const opening = openLog({ endpoints: [relay.endpoint], prefix }).then((opened) => ({
      opened,
      seen: bothOf(opened.view),
    }));
    await until("all is read", () => tailReads === 3);
    // A view that was taken for whole now would be seen before these are through.
    for (let i = 0; i < 20; i++) await writer.log.barrier();
    relay.release();
    const { opened, seen } = await opening;
    expect(seen[0]).not.toBeUndefined();
    expect(seen[0]).toBe(seen[1]);
    await opened.log.close();

    function bothOf(view: View): (string | undefined)[] {
      return [low, high].map((each) => view.get(each)?.value.toString());
    }
  });

  test("F1: believes no barrier that is older than its view", async () => {
    await using etcd = await startEtcd({ version: "current", members: 1, fsync: "off" });
    await using relay = await startCallRelay(first(etcd));
    await using writer = await openLog({ endpoints: etcd.endpoints, prefix });
    await using opened = await openLog({ endpoints: [relay.endpoint], prefix });
    // Who leads is asked by transactions as well: a barrier is the one that brings the tail.
    const isBarrier = (path: string, answer: Buffer): boolean => path === txn && answer.includes(`${prefix}m/t`);
    const answers: Buffer[] = [];
    relay.onAnswer = ({ path }, answer) => {
      if (isBarrier(path, answer)) answers.push(answer);
      return answer;
    };
    await opened.log.barrier();
    await writer.log.commit(change({ a: "1" }));
    await opened.log.barrier();
    await until("its view has it", () => valueOf(opened.view, "a") === "1");
    const [stale] = answers as [Buffer];
    // As a member answers that has fallen behind after a pause (etcd #20418).
    relay.onAnswer = ({ path }, answer) => (isBarrier(path, answer) ? stale : answer);
    await expect(opened.log.barrier()).rejects.toMatchObject(refused);
    relay.onAnswer = (_, answer) => answer;
    await until("it has looked", () => opened.said.some(({ event }) => event === "etcd.watch-over"));
    await opened.log.barrier();
    await writer.log.commit(change({ a: "2" }));
    await opened.log.barrier();
    expect(valueOf(opened.view, "a")).toBe("2");
    expect(opened.log.status().canWrite).toBe(true);
  });

  test("F1: takes no commit for done whose answer is older than its view", async () => {
    await using etcd = await startEtcd({ version: "current", members: 1, fsync: "off" });
    await using relay = await startCallRelay(first(etcd));
    await using opened = await openLog({ endpoints: [relay.endpoint], prefix });
    const answers: Buffer[] = [];
    relay.onAnswer = ({ path, message }, answer) => {
      if (path === txn && message.includes(key("a"))) answers.push(answer);
      return answer;
    };
    expect((await opened.log.commit(change({ a: "1" }))).outcome).toBe("committed");
    const [stale] = answers as [Buffer];
    relay.onAnswer = ({ path, message }, answer) => (path === txn && message.includes(key("b")) ? stale : answer);
    // It may have happened: whoever reads the answer cannot know.
    await expect(opened.log.commit(change({ b: "1" }))).rejects.toMatchObject(refused);
    await until("it has looked", () => opened.said.some(({ event }) => event === "etcd.watch-over"));
    relay.onAnswer = (_, answer) => answer;
    expect((await opened.log.commit(change({ b: "2" }))).outcome).toBe("committed");
    expect(valueOf(opened.view, "b")).toBe("2");
  });

  test("F2: does change by change what etcd refuses for its form, so that a bad one fails alone", async () => {
    await using etcd = await startEtcd({ version: "current", members: 1, fsync: "off", txnOpsMax: 16 });
    await using opened = await openLog({ endpoints: etcd.endpoints, prefix });
    const many = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`large${i}`, ""]));
    const small = Array.from({ length: 40 }, (_, i) => opened.log.commit(change({ [`small${i}`]: "1" })));
    const large = opened.log.commit(change(many));
    await expect(large).rejects.toThrow("etcd refuses a change for its form");
    for (const { outcome } of await Promise.all(small)) expect(outcome).toBe("committed");
    expect(valueOf(opened.view, "large0")).toBeNull();
  });

  test("F4: an absent key is compared as well: of two gateways that create it one is refused", async () => {
    await using etcd = await startEtcd({ version: "current", members: 1, fsync: "off" });
    await using relay = await startCallRelay(first(etcd));
    await using late = await openLog({ endpoints: [relay.endpoint], prefix });
    await using other = await openLog({ endpoints: etcd.endpoints, prefix });
    // Its view does not have what the other one commits when it plans.
    relay.hold(watch);
    expect((await other.log.commit(change({ a: "other" }, { a: 0 }))).outcome).toBe("committed");
    expect(valueOf(late.view, "a")).toBeNull();
    const answered = Promise.withResolvers<void>();
    relay.onAnswer = ({ path, message }, answer) => {
      if (path === txn && message.includes(key("a"))) answered.resolve();
      return answer;
    };
    const committing = late.log.commit(change({ a: "late" }, { a: 0 }));
    await answered.promise;
    relay.release();
    expect(await committing).toEqual({ outcome: "refused", failed: key("a") });
    expect(valueOf(late.view, "a")).toBe("other");
  });

  test("F27 R2: does not send under a new session what was offered under one that was lost", async () => {
    await using etcd = await startEtcd({ version: "current", members: 1, fsync: "off" });
    await using relay = await startCallRelay(first(etcd));
    const settings = { memberDeadlineMs: 60_000, commitDeadlineMs: 60_000 };
    await using opened = await openLog({ endpoints: [relay.endpoint], prefix, settings });
    const { log, view } = opened;
    const gate = Promise.withResolvers<void>();
    let isHeld = false;
    relay.onCall = async ({ path, message }) => {
      if (path !== txn || !message.includes(key("first"))) return;
      isHeld = true;
      await gate.promise;
    };
    const before = log.session;
    const offered = [log.commit(change({ first: "1" }))];
    await until("it is under way", () => isHeld);
    offered.push(log.commit(change({ second: "1" })));
    const outcomes = Promise.allSettled(offered);
    await revokeAll(etcd);
    await expect(log.barrier()).rejects.toMatchObject(refused);
    await log.barrier();
    expect(log.session).not.toBe(before);
    gate.resolve();
    for (const outcome of await outcomes) expect(outcome).toMatchObject({ status: "rejected", reason: refused });
    expect((await log.commit(change({ third: "1" }))).outcome).toBe("committed");
    expect(["first", "second", "third"].map((name) => valueOf(view, name))).toEqual([null, null, "1"]);
  });

  test("S1: asks every member for its version, not only the one that it uses", async () => {
    await using etcd = await startEtcd({ version: "current", members: 1, fsync: "off" });
    await using relay = await startCallRelay(first(etcd));
    const old = etcd.version.replace(/\d+$/, (patch) => "0".repeat(patch.length));
    relay.onAnswer = ({ path }, answer) =>
      path === "/etcdserverpb.Maintenance/Status" ? replaceBytes(answer, etcd.version, old) : answer;
    const endpoints = [first(etcd), relay.endpoint];
    await expect(openLog({ endpoints, prefix })).rejects.toMatchObject({ kind: "halt", reason: "ETCD_VERSION" });
    await using opened = await openLog({ endpoints, prefix, settings: { allowOldEtcd: true } });
    expect(opened.log.status().canWrite).toBe(true);
  });

  test("F3, V9: what a member that stood still had in it commits nothing once its gateway has given it up", async () => {
    await using etcd = await startEtcd({ version: "current", members: 3 });
    const leader = await etcd.leaderIndex();
    const follower = etcd.members[(leader + 1) % 3] as EtcdCluster["members"][0];
    // Behind the relay a call that was given up still reaches its member.
    await using relay = await startCallRelay(follower.endpoint);
    const others = etcd.endpoints.filter((each) => each !== follower.endpoint);
    const settings = { memberDeadlineMs: 300 };
    await using opened = await openLog({ endpoints: [relay.endpoint, ...others], prefix, settings });
    const { log, view } = opened;
    const isOfA = ({ path, message }: EtcdCall): boolean => path === txn && message.includes(key("a"));
    const [sent, answered] = [[] as EtcdCall[], [] as EtcdCall[]];
    relay.onCall = (call) => void (isOfA(call) && sent.push(call));
    relay.onAnswer = (call, answer) => {
      if (isOfA(call)) answered.push(call);
      return answer;
    };
    await follower.stop();
    // Without a condition of its own: only the session holds it back.
    expect((await log.commit(change({ a: "given up and done again" }))).outcome).toBe("committed");
    expect((await log.commit(change({ a: "new" }))).outcome).toBe("committed");
    expect([sent.length, answered.length]).toEqual([1, 0]);
    await follower.go();
    await until("it has answered what it had", () => answered.length === 1);
    await log.barrier();
    expect(valueOf(view, "a")).toBe("new");
    await using reader = await openLog({ endpoints: others, prefix });
    expect(rowsOf(reader.view)).toEqual(rowsOf(view));
    expect(await versionOf(etcd, others[0] as string, `${prefix}m/${key("a").toString()}`)).toBe(2);
  });
});

async function revokeAll(etcd: EtcdCluster): Promise<void> {
  const { leases } = await etcd.gateway.call<{ leases: { ID: string }[] }>(first(etcd), "lease/leases", {});
  for (const { ID } of leases) await etcd.gateway.call(first(etcd), "lease/revoke", { ID });
}

/** How often a key was written. */
async function versionOf(etcd: EtcdCluster, endpoint: string, name: string): Promise<number> {
  const body = { key: Buffer.from(name).toString("base64") };
  const { kvs } = await etcd.gateway.call<{ kvs: { version: string }[] }>(endpoint, "kv/range", body);
  return Number(kvs[0]?.version);
}

function replaceBytes(bytes: Buffer, from: string, to: string): Buffer {
  return Buffer.from(bytes.toString("latin1").replaceAll(from, to), "latin1");
}
