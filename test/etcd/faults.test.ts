import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Change, CommitLog } from "@kakera/metadata";
import { makeTlsFiles } from "../harness/etcd/client-tls.ts";
import { startEtcd } from "../harness/etcd.ts";
import { obtainEtcd } from "../harness/etcd/obtain-etcd.ts";
import { until } from "../harness/server.ts";
import { startTcpProxy } from "../harness/tcp-proxy.ts";
import { change, fileView, key, openLog, rowsOf, valueOf } from "./open-log.ts";

const isHere = (await obtainEtcd("current", "faults of etcd")) !== null;
const prefix = "/faults/";
const portOf = (endpoint: string): number => Number(new URL(endpoint).port);

/** Whether it was committed. */
const passes = (log: CommitLog, offered: Change): Promise<boolean> =>
  log.commit(offered).then(
    ({ outcome }) => outcome === "committed",
    () => false,
  );

describe.skipIf(!isHere)("a log over etcd", () => {
  test("shows each gateway what any of them has committed, and lets one of them win", async () => {
    await using etcd = await startEtcd({ version: "current", members: 1 });
    await using a = await openLog({ endpoints: etcd.endpoints, prefix });
    await using b = await openLog({ endpoints: etcd.endpoints, prefix });
    for (let round = 0; round < 20; round++) {
      const name = `k${round}`;
      const results = await Promise.all(
        [a, b, a, b].map(({ log }, i) => log.commit(change({ [name]: `${i}` }, { [name]: 0 }))),
      );
      const winners = results.flatMap(({ outcome }, i) => (outcome === "committed" ? [`${i}`] : []));
      expect(winners).toHaveLength(1);
      await Promise.all([a.log.barrier(), b.log.barrier()]);
      expect([valueOf(a.view, name), valueOf(b.view, name)]).toEqual([winners[0], winners[0]]);
    }
    expect(rowsOf(a.view)).toEqual(rowsOf(b.view));
  });

  test("goes on with another member when the leader is killed, and loses nothing that was acknowledged", async () => {
    await using etcd = await startEtcd({ version: "current", members: 3 });
    await using opened = await openLog({ endpoints: etcd.endpoints, prefix });
    const { log, view } = opened;
    const acknowledged = new Map<string, string>();
    let isOver = false;
    const write = async (writer: number): Promise<void> => {
      for (let i = 0; !isOver; i++) {
        const name = `w${writer}-${i}`;
        try {
          if ((await log.commit(change({ [name]: name }, { [name]: 0 }))).outcome === "committed")
            acknowledged.set(name, name);
        } catch (failure) {
          expect(failure).toMatchObject({ kind: "retry" });
        }
      }
    };
    const writers = Array.from({ length: 8 }, (_, writer) => write(writer));
    await until("some are acknowledged", () => acknowledged.size > 100);
    await (await etcd.leader()).kill();
    const before = acknowledged.size;
    await until("more are acknowledged", () => acknowledged.size > before + 100, 60_000);
    isOver = true;
    await Promise.all(writers);
    await log.barrier();
    expect([...acknowledged].filter(([name, value]) => valueOf(view, name) !== value)).toEqual([]);
  });

  test("refuses within its deadline while there is no quorum, and goes on when there is", async () => {
    await using etcd = await startEtcd({ version: "current", members: 3 });
    const settings = { commitDeadlineMs: 3_000, barrierDeadlineMs: 3_000 };
    await using opened = await openLog({ endpoints: etcd.endpoints, prefix, settings });
    const { log, view } = opened;
    await log.commit(change({ a: "before" }));
    const [first, second] = etcd.members;
    await Promise.all([first?.kill(), second?.kill()]);
    const outcomes = await Promise.allSettled([
      log.commit(change({ a: "during" })),
      log.commit(change({ b: "during" })),
      log.barrier(),
    ]);
    for (const outcome of outcomes)
      expect(outcome).toMatchObject({ status: "rejected", reason: { kind: "retry", reason: "LOG_UNREACHABLE" } });
    await Promise.all([first?.start(), second?.start()]);
    await until("it takes changes again", () => passes(log, change({ c: "after" })), 30_000);
    await log.barrier();
    expect(valueOf(view, "c")).toBe("after");
    // What was not acknowledged may have happened, but it cannot happen any more.
    const settled = rowsOf(view);
    await log.barrier();
    expect(rowsOf(view)).toEqual(settled);
  });

  // One deadline after the other would be minutes.
  test(
    "refuses changes of one key that wait behind each other by their own deadlines",
    { timeout: 60_000 },
    async () => {
      await using etcd = await startEtcd({ version: "current", members: 1 });
      const settings = { commitDeadlineMs: 2_000, memberDeadlineMs: 300 };
      await using opened = await openLog({ endpoints: etcd.endpoints, prefix, settings });
      await etcd.members[0]?.stop();
      const offered = Array.from({ length: 200 }, (_, i) => opened.log.commit(change({ hot: `${i}` })));
      const outcomes = await Promise.allSettled(offered);
      expect(outcomes.map(({ status }) => status)).toEqual(offered.map(() => "rejected"));
      await etcd.members[0]?.go();
      await until("it takes changes again", () => passes(opened.log, change({ hot: "after" })), 30_000);
    },
  );

  test("commits nothing once somebody has halted the store, whatever it has seen, and goes on when that is taken back", async () => {
    await using etcd = await startEtcd({ version: "current", members: 1 });
    const endpoint = etcd.endpoints[0] as string;
    await using opened = await openLog({ endpoints: etcd.endpoints, prefix });
    const { log, view } = opened;
    await log.commit(change({ a: "1" }));
    await etcd.gateway.put(endpoint, `${prefix}halt`, "an operator said so");
    await expect(log.commit(change({ a: "2" }))).rejects.toMatchObject({
      kind: "halt",
      message: "an operator said so",
    });
    await log.barrier();
    expect([valueOf(view, "a"), log.status().canWrite]).toEqual(["1", false]);
    await etcd.gateway.call(endpoint, "kv/deleterange", { key: Buffer.from(`${prefix}halt`).toString("base64") });
    await log.barrier();
    expect((await log.commit(change({ a: "3" }))).outcome).toBe("committed");
  });

  test("finds out what became of a change whose answer was lost, and does it once", async () => {
    await using etcd = await startEtcd({ version: "current", members: 1 });
    const endpoint = etcd.endpoints[0] as string;
    const proxy = await startTcpProxy(portOf(endpoint));
    const settings = { memberDeadlineMs: 500 };
    await using opened = await openLog({ endpoints: [`http://127.0.0.1:${proxy.port}`], prefix, settings });
    await using other = await openLog({ endpoints: etcd.endpoints, prefix });
    const { log, view } = opened;
    for (let round = 0; round < 5; round++) {
      const name = `once${round}`;
      await log.commit(change({ [name]: "0" }));
      const seen = view.get(key(name))?.revision as number;
      // etcd takes the change; its answer stays in the proxy, and the connection breaks.
      proxy.hold("answers");
      const committing = log.commit(change({ [name]: "1" }, { [name]: seen }));
      await until("etcd has it", async () => {
        await other.log.barrier();
        return valueOf(other.view, name) === "1";
      });
      proxy.cut();
      proxy.release();
      expect(await committing).toEqual({ outcome: "committed", revision: view.get(key(name))?.revision });
      expect(valueOf(view, name)).toBe("1");
    }
    await proxy.dispose();
  });

  test("says of a change that never arrived that it can be done, and does it", async () => {
    await using etcd = await startEtcd({ version: "current", members: 1 });
    const proxy = await startTcpProxy(portOf(etcd.endpoints[0] as string));
    const settings = { memberDeadlineMs: 500 };
    await using opened = await openLog({ endpoints: [`http://127.0.0.1:${proxy.port}`], prefix, settings });
    const { log, view } = opened;
    await log.commit(change({ a: "0" }));
    proxy.hold();
    const committing = log.commit(change({ a: "1" }, { a: view.get(key("a"))?.revision as number }));
    proxy.cut();
    proxy.release();
    expect((await committing).outcome).toBe("committed");
    expect(valueOf(view, "a")).toBe("1");
    await proxy.dispose();
  });

  test("loses no event of a catch-up that is cut in its middle, wherever it is cut", async () => {
    await using etcd = await startEtcd({ version: "current", members: 1 });
    const files = fileView();
    const behind = files.open();
    {
      await using opened = await openLog({ endpoints: etcd.endpoints, prefix, view: behind });
      await opened.log.commit(change({ first: "1" }));
    }
    await using writer = await openLog({ endpoints: etcd.endpoints, prefix });
    await Promise.all(
      Array.from({ length: 6_000 }, (_, i) => writer.log.commit(change({ [`k${i}`]: `${i}`.repeat(100) }))),
    );
    const proxy = await startTcpProxy(portOf(etcd.endpoints[0] as string));
    const cutting = (async () => {
      for (const bytes of [300_000, 100_000, 200_000]) await proxy.cutAfter(bytes);
    })();
    await using late = await openLog({ endpoints: [`http://127.0.0.1:${proxy.port}`], prefix, view: behind });
    expect(late.view.position).toEqual(writer.view.position);
    expect(rowsOf(late.view)).toEqual(rowsOf(writer.view));
    await cutting;
    expect(late.said.filter(({ event }) => event === "etcd.view-read")).toEqual([]);
    await late.log.close();
    await behind.close();
    files.remove();
    await proxy.dispose();
  });

  test("reads its view anew when the log was compacted past it", async () => {
    await using etcd = await startEtcd({ version: "current", members: 1 });
    const files = fileView();
    const behind = files.open();
    {
      await using opened = await openLog({ endpoints: etcd.endpoints, prefix, view: behind });
      await opened.log.commit(change({ gone: "1", kept: "1" }));
    }
    await using writer = await openLog({ endpoints: etcd.endpoints, prefix });
    await writer.log.commit(change({ gone: null, kept: "2" }));
    for (let i = 0; i < 300; i++) await writer.log.commit(change({ [`k${i % 50}`]: `${i}` }));
    await etcd.compact(writer.log.status().revision);
    await using late = await openLog({ endpoints: etcd.endpoints, prefix, view: behind });
    expect(rowsOf(late.view)).toEqual(rowsOf(writer.view));
    expect(valueOf(late.view, "gone")).toBeNull();
    await late.log.close();
    await behind.close();
    files.remove();
  });

  test("reads a view anew while others go on committing, and misses nothing", async () => {
    await using etcd = await startEtcd({ version: "current", members: 1 });
    await using writer = await openLog({ endpoints: etcd.endpoints, prefix });
    await Promise.all(Array.from({ length: 9_000 }, (_, i) => writer.log.commit(change({ [`k${i}`]: `${i}` }))));
    let isOver = false;
    const going = Array.from({ length: 16 }, async (_, writerIndex) => {
      for (let i = writerIndex; !isOver; i += 16) {
        const name = `k${(i * 7919) % 9_000}`;
        await writer.log.commit(change(i % 3 === 0 ? { [name]: null } : { [name]: `again ${i}` }));
      }
    });
    // Of the one with hardly any room for what comes meanwhile etcd keeps the rest.
    for (const spoolBytesMax of [64 * 2 ** 20, 1]) {
      await using late = await openLog({ endpoints: etcd.endpoints, prefix, settings: { spoolBytesMax } });
      await late.log.barrier();
      expect(late.said.filter(({ event }) => event === "etcd.view-read")).toHaveLength(1);
    }
    await using last = await openLog({ endpoints: etcd.endpoints, prefix, settings: { spoolBytesMax: 1 } });
    isOver = true;
    await Promise.all(going);
    await Promise.all([last.log.barrier(), writer.log.barrier()]);
    expect(rowsOf(last.view)).toEqual(rowsOf(writer.view));
  });

  test("halts when etcd was restored from an older copy, and says why and what to do", async () => {
    await using etcd = await startEtcd({ version: "current", members: 1 });
    await using opened = await openLog({ endpoints: etcd.endpoints, prefix });
    const { log } = opened;
    await log.commit(change({ a: "1" }));
    const snapshot = await etcd.snapshot();
    await log.commit(change({ a: "2" }));
    await log.commit(change({ b: "2" }));
    await etcd.restore(snapshot);
    await until(
      "it halts",
      () => !log.status().canWrite && opened.said.some(({ event }) => event === "etcd.halt"),
      30_000,
    );
    await expect(log.commit(change({ c: "3" }))).rejects.toMatchObject({
      kind: "halt",
      message: expect.stringContaining("kakera recover-metadata") as string,
    });
    // Another gateway, which knows nothing of the past, keeps to it too.
    await using other = await openLog({ endpoints: etcd.endpoints, prefix });
    await expect(other.log.commit(change({ c: "3" }))).rejects.toMatchObject({ kind: "halt" });
  });

  test("halts as well when the restored etcd has gone on to the same number of batches", async () => {
    await using etcd = await startEtcd({ version: "current", members: 1 });
    const files = fileView();
    const old = files.open();
    let snapshot: string;
    {
      await using opened = await openLog({ endpoints: etcd.endpoints, prefix, view: old });
      await opened.log.commit(change({ a: "1" }));
      snapshot = await etcd.snapshot();
      await opened.log.commit(change({ a: "2" }));
    }
    await etcd.restore(snapshot);
    {
      await using fork = await openLog({ endpoints: etcd.endpoints, prefix });
      for (let i = 0; i < 20; i++) await fork.log.commit(change({ a: `fork ${i}` }));
    }
    await using back = await openLog({ endpoints: etcd.endpoints, prefix, view: old });
    await expect(back.log.commit(change({ c: "3" }))).rejects.toMatchObject({ kind: "halt" });
    await back.log.close();
    await old.close();
    files.remove();
  });

  test("takes a new session when its own is gone, and serves nothing before", async () => {
    await using etcd = await startEtcd({ version: "current", members: 1 });
    await using opened = await openLog({ endpoints: etcd.endpoints, prefix });
    const { log, view } = opened;
    for (const next of ["barrier", "commit"] as const) {
      const before = log.session;
      await log.commit(change({ a: next }));
      const endpoint = etcd.endpoints[0] as string;
      const { leases } = await etcd.gateway.call<{ leases: { ID: string }[] }>(endpoint, "lease/leases", {});
      for (const { ID } of leases) await etcd.gateway.call(endpoint, "lease/revoke", { ID });
      await expect(next === "barrier" ? log.barrier() : log.commit(change({ a: "lost" }))).rejects.toMatchObject({
        kind: "retry",
        reason: "LOG_UNREACHABLE",
      });
      await log.barrier();
      expect(log.session).not.toBe(before);
      expect(valueOf(view, "a")).toBe(next);
      expect((await log.commit(change({ b: next }))).outcome).toBe("committed");
    }
  });

  test("asks another member when the one that it used stands still, and that one may come back", async () => {
    await using etcd = await startEtcd({ version: "current", members: 3 });
    await using opened = await openLog({ endpoints: etcd.endpoints, prefix });
    const { log, view } = opened;
    for (const member of etcd.members) {
      await member.stop();
      await until("a change passes", () => passes(log, change({ a: member.endpoint })), 30_000);
      await log.barrier();
      expect(valueOf(view, "a")).toBe(member.endpoint);
      await member.go();
    }
  });

  test("outlives its token, in its watch too, and is not let in without a password", async () => {
    const auth = { username: "kakera", password: "a secret" };
    await using etcd = await startEtcd({
      version: "current",
      members: 1,
      auth: { user: auth.username, password: auth.password },
    });
    const { endpoints } = etcd;
    await expect(openLog({ endpoints, prefix, settings: { openDeadlineMs: 2_000 } })).rejects.toMatchObject({
      kind: "retry",
    });
    await using opened = await openLog({ endpoints, prefix, auth });
    await using other = await openLog({ endpoints, prefix, auth });
    for (let round = 0; round < 2; round++) {
      // A member keeps its tokens in memory: they are gone with it.
      await etcd.members[0]?.kill();
      await etcd.members[0]?.start();
      const passes = (): Promise<boolean> =>
        opened.log.commit(change({ a: `${round}` })).then(
          () => true,
          () => false,
        );
      await until("a change passes", passes, 20_000);
      await other.log.barrier();
      expect(valueOf(other.view, "a")).toBe(`${round}`);
    }
  });

  test.each(["server", "mutual"] as const)("speaks TLS (%s)", async (kind) => {
    await using etcd = await startEtcd({ version: "current", members: 1, tls: kind });
    await using opened = await openLog({ endpoints: etcd.endpoints, prefix, tls: etcd.tls });
    expect((await opened.log.commit(change({ a: "1" }))).outcome).toBe("committed");
    // Without the authority, and with one that did not sign it, nobody is believed.
    const stranger = makeTlsFiles(mkdtempSync(join(tmpdir(), "kakera-tls-")), kind).client;
    for (const tls of [null, stranger])
      await expect(
        openLog({ endpoints: etcd.endpoints, prefix, tls, settings: { openDeadlineMs: 2_000 } }),
      ).rejects.toMatchObject({ kind: "retry" });
  });

  test("tells changes that need room that there is none, and comes back when there is", async () => {
    await using etcd = await startEtcd({ version: "current", members: 1, quotaBytes: 16 * 2 ** 20 });
    await using opened = await openLog({ endpoints: etcd.endpoints, prefix });
    const { log } = opened;
    const fill = async (): Promise<unknown> => {
      for (let i = 0; ; i++) {
        try {
          await log.commit(change({ [`k${i}`]: "x".repeat(500_000) }));
        } catch (failure) {
          return failure;
        }
      }
    };
    expect(await fill()).toMatchObject({ kind: "full", reason: "LOG_SPACE" });
    await log.barrier();
  });
});
