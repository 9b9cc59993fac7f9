import { describe, expect, test } from "vitest";
import { startEtcd } from "../harness/etcd.ts";
import type { EtcdCluster } from "../harness/etcd/cluster.ts";
import { obtainEtcd } from "../harness/etcd/obtain-etcd.ts";
import { until } from "../harness/server.ts";
import { startTcpProxy } from "../harness/tcp-proxy.ts";
import { change, openLog, rowsOf, valueOf, type LogOfTest } from "./open-log.ts";

const isHere = (await obtainEtcd("current", "compaction of etcd")) !== null;
const prefix = "/compaction/";
const quick = { leaderPollMs: 50, reportMs: 20, compactEveryMs: 20, historyBytesMax: 0 } as const;
const eager = { ...quick, compaction: "leader" } as const;

/** Revisions that a log as leader has compacted to. */
const compactedBy = ({ said }: LogOfTest): number[] =>
  said.flatMap(({ event, fields }) => (event === "etcd.compacted" ? [fields?.["revision"] as number] : []));

async function commitSome({ log }: LogOfTest, count: number, value = "v"): Promise<void> {
  for (let i = 0; i < count; i++) await log.commit(change({ a: `${value}${i}` }));
}

/** Whether etcd still knows what was at that revision. */
const knows = ({ gateway, endpoints }: EtcdCluster, revision: number): Promise<boolean> =>
  gateway.get(endpoints[0] as string, `${prefix}x`, revision).then(
    () => true,
    (failure: Error) => {
      expect(failure.message).toContain("compacted");
      return false;
    },
  );

describe.skipIf(!isHere)("the leader of a log over etcd", () => {
  test("compacts up to what every live process needs, views and holds, and no further", async () => {
    await using etcd = await startEtcd({ version: "current", members: 1 });
    await using a = await openLog({ endpoints: etcd.endpoints, prefix, settings: eager });
    await using b = await openLog({ endpoints: etcd.endpoints, prefix, settings: eager });
    let held: number | null = null;
    b.log.hold("archive", () => held);
    await commitSome(a, 10);
    held = a.log.status().revision;
    await commitSome(a, 10);
    const compacted = (): number => Math.max(0, ...compactedBy(a), ...compactedBy(b));
    await until("it has compacted up to the hold", () => compacted() === (held as number) - 1);
    expect([await knows(etcd, held - 2), await knows(etcd, held)]).toEqual([false, true]);
    const before = held;
    await commitSome(a, 10);
    held = null;
    await until("it has compacted up to the views", () => compacted() === a.log.status().revision - 1);
    expect(await knows(etcd, before)).toBe(false);
    // What a watch resumes from is still there.
    await a.log.barrier();
    expect([...a.said, ...b.said].filter(({ event }) => event === "etcd.view-read")).toHaveLength(2);
  });

  test("does not compact while a live session has not said what it needs", async () => {
    await using etcd = await startEtcd({ version: "current", members: 1 });
    const endpoint = etcd.endpoints[0] as string;
    await etcd.gateway.put(endpoint, `${prefix}session/somebody-silent-`, "");
    await using opened = await openLog({ endpoints: etcd.endpoints, prefix, settings: eager });
    await commitSome(opened, 10);
    let rounds = 0;
    // Works begin in the order of their registration, and its own is the first.
    opened.log.lead(async () => void rounds++);
    await until("it leads", () => rounds === 1);
    await commitSome(opened, 50);
    expect(compactedBy(opened)).toEqual([]);
    const key = Buffer.from(`${prefix}session/somebody-silent-`).toString("base64");
    await etcd.gateway.call(endpoint, "kv/deleterange", { key });
    await until("it compacts", () => compactedBy(opened).at(-1) === opened.log.status().revision - 1);
  });

  test.each(["/a", "/z"])("leaves an etcd alone that holds keys of somebody else (%s)", async (foreign) => {
    await using etcd = await startEtcd({ version: "current", members: 1 });
    const endpoint = etcd.endpoints[0] as string;
    await using opened = await openLog({
      endpoints: etcd.endpoints,
      prefix,
      settings: { ...quick, compaction: "auto", spacePollMs: 20 },
    });
    await commitSome(opened, 10);
    expect(opened.log.etcd).toEqual({ unsoundVersion: null, isShared: false });
    await until("it compacts what is its own", () => compactedBy(opened).length > 0);
    await etcd.gateway.put(endpoint, foreign, "b");
    await until("it has seen that", () => opened.said.some(({ fields }) => fields?.["reason"] === "ETCD_SHARED"));
    const before = compactedBy(opened).length;
    await commitSome(opened, 50);
    expect(compactedBy(opened)).toHaveLength(before);
    await until("it tells so", () => opened.log.etcd.isShared);
  });

  test("keeps so much history as it is told to", async () => {
    await using etcd = await startEtcd({ version: "current", members: 1 });
    const settings = { ...eager, historyBytesMax: 300_000 };
    await using opened = await openLog({ endpoints: etcd.endpoints, prefix, settings });
    await commitSome(opened, 30, "x".repeat(10_000));
    const { revision } = opened.log.status();
    await commitSome(opened, 31, "x".repeat(10_000));
    await until("it compacts", () => (compactedBy(opened).at(-1) ?? 0) > revision - 20);
    expect(await knows(etcd, revision + 2)).toBe(true);
  });

  test("writes a file anew that is mostly free", async () => {
    await using etcd = await startEtcd({ version: "current", members: 1 });
    const settings = { ...eager, defragmentFreeBytesMin: 2 ** 20 };
    await using opened = await openLog({ endpoints: etcd.endpoints, prefix, settings });
    // Else what is given up is written over at once.
    let held: number | null = 1;
    opened.log.hold("all", () => held);
    await commitSome(opened, 40, "x".repeat(200_000));
    held = null;
    const last = (): Record<string, unknown> | undefined =>
      opened.said.findLast(({ event }) => event === "etcd.defragmented")?.fields;
    // Pages count as free only after later writes.
    await until("it has", async () => {
      await commitSome(opened, 1);
      return last() !== undefined;
    });
    expect(last()?.["inUseBytes"]).toBeLessThan((last()?.["sizeBytes"] as number) / 2);
    await opened.log.commit(change({ b: "2" }));
  });
});

test.skipIf(!isHere)("a view that lags when somebody else compacts is read anew, and lacks no deletion", async () => {
  await using etcd = await startEtcd({ version: "current", members: 1 });
  const settings = { compaction: "off", memberDeadlineMs: 300 } as const;
  await using writer = await openLog({ endpoints: etcd.endpoints, prefix, settings });
  const proxy = await startTcpProxy(Number(new URL(etcd.endpoints[0] as string).port));
  await using behind = await openLog({ endpoints: [`http://127.0.0.1:${proxy.port}`], prefix, settings });
  for (let i = 0; i < 20; i++) await writer.log.commit(change({ [`k${i}`]: "1" }));
  await behind.log.barrier();
  proxy.hold();
  proxy.cut();
  for (let i = 0; i < 20; i += 2) await writer.log.commit(change({ [`k${i}`]: null }));
  await writer.log.commit(change({ last: "1" }));
  await etcd.compact(writer.log.status().revision);
  proxy.release();
  await until("it is back", () =>
    behind.log.barrier().then(
      () => true,
      () => false,
    ),
  );
  expect([valueOf(behind.view, "k0"), valueOf(behind.view, "last")]).toEqual([null, "1"]);
  expect(rowsOf(behind.view)).toEqual(rowsOf(writer.view));
  await behind.log.close();
  await proxy.dispose();
});
