import { describe, expect, test } from "vitest";
import type { ClusterLog } from "@kakera/metadata";
import { startEtcd } from "../harness/etcd.ts";
import { obtainEtcd } from "../harness/etcd/obtain-etcd.ts";
import { until } from "../harness/server.ts";
import { startTcpProxy } from "../harness/tcp-proxy.ts";
import { change, openLog } from "./open-log.ts";

const isHere = (await obtainEtcd("current", "who leads over etcd")) !== null;
const prefix = "/leaders/";
const settings = { leaderPollMs: 50 };

/** The terms that a log has led, as signals. */
function termsOf(log: ClusterLog): AbortSignal[] {
  const terms: AbortSignal[] = [];
  log.lead(async (signal) => {
    terms.push(signal);
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve));
  });
  return terms;
}

describe.skipIf(!isHere)("leading over etcd", () => {
  test("is one process's at a time, and another's when it closes", async () => {
    await using etcd = await startEtcd({ version: "current", members: 1 });
    const { endpoints } = etcd;
    const opened = await Promise.all([1, 2, 3].map(() => openLog({ endpoints, prefix, settings })));
    const logs = opened.map(({ log }) => log);
    const terms = logs.map(termsOf);
    for (const left of [3, 2, 1]) {
      await until("one leads", () => terms.filter((of) => of.at(-1)?.aborted === false).length === 1);
      await Promise.all(logs.map((log) => log.barrier()));
      expect(logs.filter(({ isLeader }) => isLeader)).toHaveLength(1);
      const index = logs.findIndex(({ isLeader }) => isLeader);
      await logs[index]?.close();
      expect([terms[index]?.length, terms[index]?.at(-1)?.aborted]).toEqual([1, true]);
      expect(logs[index]?.isLeader).toBe(false);
      logs.splice(index, 1);
      terms.splice(index, 1);
      expect(logs).toHaveLength(left - 1);
    }
  });

  test("is awaited by who closes, and the log still does what was begun", async () => {
    await using etcd = await startEtcd({ version: "current", members: 1 });
    const proxy = await startTcpProxy(Number(new URL(etcd.endpoints[0] as string).port));
    const { log } = await openLog({ endpoints: [`http://127.0.0.1:${proxy.port}`], prefix, settings });
    let outcome = "none";
    let committing: Promise<{ outcome: string }> | null = null;
    log.lead(async (signal) => {
      proxy.hold();
      committing = log.commit(change({ a: "1" }));
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      proxy.release();
      outcome = (await committing).outcome;
    });
    await until("it leads, and commits", () => committing !== null);
    await log.close();
    expect(outcome).toBe("committed");
    await proxy.dispose();
  });

  test("ends with the session and begins again with the next one, never twice at a time", async () => {
    await using etcd = await startEtcd({ version: "current", members: 1 });
    const endpoint = etcd.endpoints[0] as string;
    await using opened = await openLog({ endpoints: etcd.endpoints, prefix, settings });
    const { log } = opened;
    let [running, runningMax, count] = [0, 0, 0];
    const release = Promise.withResolvers<void>();
    log.lead(async (signal) => {
      count++;
      runningMax = Math.max(runningMax, ++running);
      if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve));
      // The first does not hear.
      if (count === 1) await release.promise;
      running--;
    });
    const terms = termsOf(log);
    await until("it leads", () => terms.length === 1 && count === 1);
    const { leases } = await etcd.gateway.call<{ leases: { ID: string }[] }>(endpoint, "lease/leases", {});
    for (const { ID } of leases) await etcd.gateway.call(endpoint, "lease/revoke", { ID });
    await until("it leads again", () => terms.length === 2);
    expect([terms[0]?.aborted, terms[1]?.aborted, count]).toEqual([true, false, 1]);
    release.resolve();
    await until("the other work is run again", () => count === 2);
    expect(runningMax).toBe(1);
  });

  test("ends before another may lead, where etcd cannot be reached", async () => {
    await using etcd = await startEtcd({ version: "current", members: 1 });
    const proxy = await startTcpProxy(Number(new URL(etcd.endpoints[0] as string).port));
    const short = { ...settings, sessionTtlSeconds: 3, leaderTtlSeconds: 3, memberDeadlineMs: 200 };
    await using cut = await openLog({ endpoints: [`http://127.0.0.1:${proxy.port}`], prefix, settings: short });
    const terms = termsOf(cut.log);
    await until("it leads", () => terms.length === 1);
    await using other = await openLog({ endpoints: etcd.endpoints, prefix, settings: short });
    const before: (boolean | undefined)[] = [];
    const later = termsOf(other.log);
    other.log.lead(async () => void before.push(terms[0]?.aborted));
    proxy.hold();
    await until("the other one leads", () => later.length === 1);
    expect([before, cut.log.isLeader]).toEqual([[true], false]);
    proxy.cut();
    proxy.release();
    await until("it is back", () =>
      cut.log.barrier().then(
        () => true,
        () => false,
      ),
    );
    expect([cut.log.isLeader, other.log.isLeader]).toEqual([false, true]);
    await cut.log.close();
    await proxy.dispose();
  });

  test("goes on with a work that failed, and begins with one that comes late", async () => {
    await using etcd = await startEtcd({ version: "current", members: 1 });
    await using opened = await openLog({ endpoints: etcd.endpoints, prefix, settings });
    const { log, said } = opened;
    await until("it leads", () => log.isLeader);
    let attempts = 0;
    log.lead(async () => {
      if (++attempts === 1) throw new Error("not yet");
    });
    await until("it was tried again", () => attempts === 2);
    expect(said.filter(({ event }) => event === "etcd.leader-work-failed")).toMatchObject([{ level: "error" }]);
  });
});
