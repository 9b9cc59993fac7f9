import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createSeededRandom, systemClock } from "@kakera/kernel";
import { commitUntilDecided, createKeyQueue, UnknownOutcome, type CommitLog, type View } from "@kakera/metadata";
import type { EtcdCluster } from "../harness/etcd/cluster.ts";
import { obtainEtcd } from "../harness/etcd/obtain-etcd.ts";
import { startEtcd } from "../harness/etcd.ts";
import { until } from "../harness/server.ts";
import { startTcpProxy } from "../harness/tcp-proxy.ts";
import type { GatewaySaid } from "./committing-gateway.ts";
import { change, key, openLog, rowsOf, valueOf, type LogOfTest } from "./open-log.ts";

/** Several gateways over one etcd, some of which are cut off or stand still (correctness.md F3, F19, F21). */
const isHere = (await obtainEtcd("current", "gateways over etcd")) !== null;
const prefix = "/gateways/";
const seed = 20_261_129;
const first = ({ endpoints }: EtcdCluster): string => endpoints[0] as string;

describe.skipIf(!isHere)("gateways over etcd", () => {
  test("F19: changes of one key go in the order in which they came, each at its first attempt where nobody else is", async () => {
    await using etcd = await startEtcd({ version: "current", members: 1, fsync: "off" });
    await using opened = await openLog({ endpoints: etcd.endpoints, prefix });
    const hot = hotKey(opened.log);
    const names = Array.from({ length: 100 }, (_, i) => `${i}`);
    const order: string[] = [];
    await Promise.all(names.map((name) => hot.append(name).then(() => order.push(name))));
    expect(valueOf(opened.view, "hot")).toBe(names.map((name) => `${name},`).join(""));
    expect(order).toEqual(names);
    expect(hot.attempts()).toBe(names.length);
  });

  test("F19: of changes of one key at four gateways none is lost and none overtakes another of its gateway", async () => {
    await using etcd = await startEtcd({ version: "current", members: 1, fsync: "off" });
    const logs = await Promise.all([0, 1, 2, 3].map(() => openLog({ endpoints: etcd.endpoints, prefix })));
    const perGateway = 60;
    await Promise.all(
      logs.map(({ log }, gateway) => {
        const hot = hotKey(log);
        return Promise.all(Array.from({ length: perGateway }, (_, i) => hot.append(`${gateway}:${i}`)));
      }),
    );
    const [any] = logs as [LogOfTest];
    await any.log.barrier();
    const all = (valueOf(any.view, "hot") as string).split(",").slice(0, -1);
    expect(all).toHaveLength(logs.length * perGateway);
    for (const gateway of logs.keys()) {
      const mine = all.filter((each) => each.startsWith(`${gateway}:`));
      expect(mine).toEqual(Array.from({ length: perGateway }, (_, i) => `${gateway}:${i}`));
    }
    for (const { log } of logs) await log.close();
  });

  test(`F1, F3: what was acknowledged is there and what was refused is not, wherever connections are cut (seed ${seed})`, async () => {
    const random = createSeededRandom(seed);
    const upTo = (most: number): number => 1 + Math.floor(random.fraction() * most);
    await using etcd = await startEtcd({ version: "current", members: 1, fsync: "off" });
    const port = Number(new URL(first(etcd)).port);
    const proxies = await Promise.all([0, 1, 2].map(() => startTcpProxy(port)));
    const settings = { memberDeadlineMs: 500 };
    const logs = await Promise.all(
      proxies.map((proxy) => openLog({ endpoints: [`http://127.0.0.1:${proxy.port}`], prefix, settings })),
    );
    const [acknowledged, absent] = [new Set<string>(), new Set<string>()];
    let increments = { acknowledged: 0, unknown: 0 };
    let isOver = false;
    const write = async (log: CommitLog, writer: string): Promise<void> => {
      for (let i = 0; !isOver; i++) {
        const name = `${writer}-${i}`;
        // Every other one also counts, which somebody else may do first.
        const seen = log.view.get(key("count"));
        const count = { count: `${Number(seen?.value.toString() ?? "0") + 1}` };
        const isCounting = i % 2 === 0;
        const offered = isCounting
          ? change({ [name]: "1", ...count }, { [name]: 0, count: seen?.revision ?? 0 })
          : change({ [name]: "1" }, { [name]: 0 });
        const outcome = await outcomeOf(log, offered);
        if (outcome === "committed") acknowledged.add(name);
        if (outcome === "absent") absent.add(name);
        if (isCounting && outcome === "committed") increments.acknowledged++;
        if (isCounting && outcome === "unknown") increments.unknown++;
      }
    };
    const writers = logs.flatMap(({ log }, gateway) =>
      Array.from({ length: 6 }, (_, writer) => write(log, `g${gateway}w${writer}`)),
    );
    for (let cuts = 0; cuts < 60; cuts++) {
      const proxy = proxies[cuts % proxies.length] as (typeof proxies)[0];
      const before = acknowledged.size;
      if (random.fraction() < 0.7) await proxy.cutAfter(upTo(20_000));
      else {
        proxy.hold(random.fraction() < 0.5 ? "answers" : "all");
        await until("others go on", () => acknowledged.size > before + upTo(50));
        proxy.cut();
        proxy.release();
      }
    }
    isOver = true;
    await Promise.all(writers);
    await using reader = await openLog({ endpoints: etcd.endpoints, prefix });
    const { view } = reader;
    expect([...acknowledged].filter((name) => valueOf(view, name) === null)).toEqual([]);
    expect([...absent].filter((name) => valueOf(view, name) !== null)).toEqual([]);
    expect(Math.min(acknowledged.size, absent.size)).toBeGreaterThan(100);
    const counted = Number(valueOf(view, "count"));
    expect(counted).toBeGreaterThanOrEqual(increments.acknowledged);
    expect(counted).toBeLessThanOrEqual(increments.acknowledged + increments.unknown);
    for (const { log, view: followed } of logs) {
      await until("it passes a barrier", () =>
        log.barrier().then(
          () => true,
          () => false,
        ),
      );
      expect(rowsOf(followed)).toEqual(rowsOf(view));
      await log.close();
    }
    for (const proxy of proxies) await proxy.dispose();
  });

  test("F3: what a gateway had offered before it stood still for longer than its session never happens, and it goes on", async () => {
    await using etcd = await startEtcd({ version: "current", members: 1, fsync: "off" });
    await using reader = await openLog({ endpoints: etcd.endpoints, prefix });
    const args = ["--etcd", first(etcd), "--prefix", prefix, "--ttl-seconds", "2"];
    const gateway = fork(join(import.meta.dirname, "committing-gateway.ts"), args);
    const ended = once(gateway, "exit");
    const sessionOf = new Map<string, string>();
    const outcomes = new Map<string, string>();
    let session = "";
    gateway.on("message", (said: GatewaySaid) => {
      if (said.kind === "decided") outcomes.set(said.name, said.outcome);
      else sessionOf.set(said.name, (session = said.session));
    });
    try {
      for (let round = 0; round < 2; round++) {
        const decided = outcomes.size;
        await until("it commits", () => outcomes.size > decided + 200 && session !== "");
        const mine = session;
        gateway.kill("SIGSTOP");
        await until("its session is gone", async () => (await sessionCount(etcd)) === 1);
        await reader.log.barrier();
        const before = namesOf(reader.view);
        gateway.kill("SIGCONT");
        await until("it goes on under another session", () => session !== mine);
        const next = outcomes.size;
        await until("it commits again", () => outcomes.size > next + 100);
        await reader.log.barrier();
        const late = [...namesOf(reader.view)].filter((name) => sessionOf.get(name) === mine && !before.has(name));
        expect(late).toEqual([]);
      }
      gateway.send("enough");
      await ended;
      await reader.log.barrier();
      const names = namesOf(reader.view);
      const with_ = (outcome: string): string[] =>
        [...outcomes].flatMap(([name, each]) => (each === outcome ? [name] : []));
      expect(with_("committed").filter((name) => !names.has(name))).toEqual([]);
      expect(with_("absent").filter((name) => names.has(name))).toEqual([]);
      expect(with_("absent").length).toBeGreaterThan(0);
    } finally {
      gateway.kill("SIGKILL");
    }
  });

  test("F21: keeps its session while a member stands still for longer than that lasts, and the others go on", async () => {
    await using etcd = await startEtcd({ version: "current", members: 3 });
    const settings = { sessionTtlSeconds: 5, memberDeadlineMs: 300 };
    const leader = await etcd.leader();
    const others = etcd.endpoints.filter((each) => each !== leader.endpoint);
    await using opened = await openLog({ endpoints: [leader.endpoint, ...others], prefix, settings });
    const { log, view } = opened;
    const { session } = log;
    await leader.stop();
    await until("a change passes", async () => (await outcomeOf(log, change({ a: "1" }))) === "committed");
    // A lease of somebody who does not keep it, and that is longer: once it is gone, a session that was not kept would be too.
    const endpoint = others[0] as string;
    const { ID } = await etcd.gateway.call<{ ID: string }>(endpoint, "lease/grant", { TTL: "7" });
    const isOver = async (): Promise<boolean> =>
      (await etcd.gateway.call<{ TTL: string }>(endpoint, "lease/timetolive", { ID })).TTL === "-1";
    await until("so long has passed", async () => {
      expect(await outcomeOf(log, change({ a: "meanwhile" }))).toBe("committed");
      return isOver();
    });
    expect(log.session).toBe(session);
    expect(opened.said.filter(({ event }) => event === "etcd.session-lost")).toEqual([]);
    // A leader that comes back may first revoke what it takes for expired: that is a lost session like any other.
    await leader.go();
    await until("a change passes", async () => (await outcomeOf(log, change({ a: "after" }))) === "committed");
    await using reader = await openLog({ endpoints: [leader.endpoint], prefix });
    expect(rowsOf(reader.view)).toEqual(rowsOf(view));
  });
});

/** Appends to one key by way of a queue and plans, as a gateway's operations do. */
function hotKey(log: CommitLog): { append(text: string): Promise<void>; attempts(): number } {
  const queue = createKeyQueue();
  const random = createSeededRandom(seed);
  let attempts = 0;
  return {
    append(text) {
      const parts = { log, clock: systemClock, random, deadlineMs: systemClock.monotonicMs() + 60_000 };
      return queue.run([key("hot")], () =>
        commitUntilDecided<void>(parts, () => {
          attempts++;
          const seen = log.view.get(key("hot"));
          const hot = `${seen?.value.toString() ?? ""}${text},`;
          return { change: change({ hot }, { hot: seen?.revision ?? 0 }), answer: () => undefined };
        }),
      );
    },
    attempts: () => attempts,
  };
}

async function outcomeOf(log: CommitLog, offered: Parameters<CommitLog["commit"]>[0]): Promise<string> {
  try {
    return (await log.commit(offered)).outcome === "committed" ? "committed" : "absent";
  } catch (failure) {
    expect(failure).toMatchObject({ kind: "retry" });
    return failure instanceof UnknownOutcome ? "unknown" : "absent";
  }
}

/** Sessions that etcd has. */
async function sessionCount(etcd: EtcdCluster): Promise<number> {
  const bytes = (text: string): string => Buffer.from(text).toString("base64");
  const body = { key: bytes(`${prefix}session/`), range_end: bytes(`${prefix}session0`), count_only: true };
  return Number((await etcd.gateway.call<{ count?: string }>(first(etcd), "kv/range", body)).count ?? "0");
}

const namesOf = (view: View): Set<string> => new Set(rowsOf(view).map((row) => row.key.slice(1)));
