import { describe, expect, test } from "vitest";
import type { ClusterFailure } from "@kakera/kernel";
import type { Change, EtcdSettings } from "@kakera/metadata";
import { startEtcd } from "../harness/etcd.ts";
import { obtainEtcd } from "../harness/etcd/obtain-etcd.ts";
import { until } from "../harness/server.ts";
import { change, openLog, valueOf, type LogOfTest } from "./open-log.ts";

const isHere = (await obtainEtcd("current", "a full etcd")) !== null;
const prefix = "/space/";
const quotaBytes = 16 * 2 ** 20;
const quick = { leaderPollMs: 50, reportMs: 20, compactEveryMs: 20, spacePollMs: 20, compaction: "leader" } as const;

/** Does not see the quota, and makes no room. */
const blindly = { quotaBytes: 2 ** 40, compaction: "off" } as const;

const freeing = (key: string, purpose: "free" | "garbage"): Change => ({ ...change({ [key]: null }), purpose });

/** What a change is refused with; null = it was committed. */
const refusalOf = ({ log }: LogOfTest, offered: Change): Promise<unknown> =>
  log.commit(offered).then(
    () => null,
    (failure: unknown) => failure,
  );

/** Writes large values until one is refused, and gives what with. `keys`: so many, again and again; the rest is history. */
async function fill(into: LogOfTest, keys: number, sizeBytes = 20_000): Promise<unknown> {
  for (let i = 0; ; i++) {
    const failure = await refusalOf(into, change({ [`k${i % keys}`]: `${i}`.padEnd(sizeBytes, "x") }));
    if (failure !== null) return failure;
  }
}

describe.skipIf(!isHere)("an etcd that fills", () => {
  test("takes deletions when it takes nothing else, and comes back by itself when history may go", async () => {
    await using etcd = await startEtcd({ version: "current", members: 1, quotaBytes });
    await using opened = await openLog({ endpoints: etcd.endpoints, prefix, settings: quick });
    const { log, view } = opened;
    let held: number | null = 1;
    log.hold("history", () => held);
    expect(await fill(opened, 10)).toMatchObject({ kind: "full", reason: "LOG_SPACE" });
    expect(log.status()).toMatchObject({ isSpaceShort: true, canWrite: true });
    expect(await refusalOf(opened, change({ small: "1" }))).toMatchObject({ kind: "full", reason: "LOG_SPACE" });
    for (let i = 0; i < 10; i++) expect(await refusalOf(opened, freeing(`k${i}`, "free"))).toBe(null);
    expect(valueOf(view, "k0")).toBe(null);
    held = null;
    await until("it takes changes again", async () => (await refusalOf(opened, change({ small: "1" }))) === null);
    expect(log.status().isSpaceShort).toBe(false);
    // And so it stays, whatever is written over and over.
    for (let i = 0; i < 100; i++)
      expect(await refusalOf(opened, change({ k0: `${i}`.padEnd(50_000, "x") }))).toBe(null);
  });

  test("takes only what collects garbage when it is nearly full", async () => {
    await using etcd = await startEtcd({ version: "current", members: 1, quotaBytes });
    const settings = { ...quick, compaction: "off" } as const;
    // Does not see the quota.
    await using blind = await openLog({
      endpoints: etcd.endpoints,
      prefix,
      settings: { ...settings, quotaBytes: 2 ** 40 },
    });
    await using opened = await openLog({ endpoints: etcd.endpoints, prefix, settings });
    for (let i = 0; i < 75; i++) await blind.log.commit(change({ [`k${i}`]: "x".repeat(200_000) }));
    await until("it has seen that", async () => (await refusalOf(opened, freeing("other", "free"))) !== null);
    expect(await refusalOf(opened, freeing("k0", "free"))).toMatchObject({ kind: "full", reason: "LOG_SPACE" });
    expect(await refusalOf(opened, freeing("k0", "garbage"))).toBe(null);
  });

  test.each(["the leader", "who is left"])(
    "that has reached its quota is made to take changes again by %s",
    async (who) => {
      await using etcd = await startEtcd({ version: "current", members: 1, quotaBytes });
      const open = async (settings: Partial<EtcdSettings>): Promise<LogOfTest> => {
        const opened = await openLog({ endpoints: etcd.endpoints, prefix, settings: { ...quick, ...settings } });
        await until(
          "one leads",
          async () => (await etcd.gateway.get(etcd.endpoints[0] as string, `${prefix}leader`)) !== null,
        );
        return opened;
      };
      // Who opens first leads.
      const early = who === "the leader" ? await open({}) : null;
      const holder = await open(blindly);
      await using opened = early ?? (await open({}));
      expect(opened.log.isLeader).toBe(who === "the leader");
      holder.log.hold("history", () => 1);
      expect(await fill(holder, 5)).toMatchObject({ kind: "full", message: "etcd has reached its quota" });
      expect(await refusalOf(holder, freeing("k0", "garbage"))).toMatchObject({ kind: "full", reason: "LOG_SPACE" });
      await holder.log.close();
      await until("deletions go on", async () => (await refusalOf(opened, freeing("k0", "free"))) === null);
      await until("all goes on", async () => (await refusalOf(opened, change({ a: "1" }))) === null);
    },
  );

  test("that has reached its quota says so to who has no session, and is freed when nobody has one", async () => {
    await using etcd = await startEtcd({ version: "current", members: 1, quotaBytes });
    const endpoint = etcd.endpoints[0] as string;
    const settings = { ...quick, ...blindly } as const;
    const silent = `${prefix}session/somebody-silent-`;
    await etcd.gateway.put(endpoint, silent, "");
    const filling = await openLog({ endpoints: etcd.endpoints, prefix, settings });
    await fill(filling, 5);
    const { leases } = await etcd.gateway.call<{ leases: { ID: string }[] }>(endpoint, "lease/leases", {});
    for (const { ID } of leases) await etcd.gateway.call(endpoint, "lease/revoke", { ID });
    await until("it has noticed", async () => {
      const failure = (await filling.log.barrier().catch((thrown: unknown) => thrown)) as Partial<ClusterFailure>;
      expect(failure.kind).toBe("retry");
      return failure.reason === "LOG_SPACE";
    });
    await filling.log.close();
    const open = (): Promise<LogOfTest> => openLog({ endpoints: etcd.endpoints, prefix, settings: quick });
    await expect(open()).rejects.toMatchObject({ kind: "retry", reason: "LOG_SPACE" });
    await etcd.gateway.call(endpoint, "kv/deleterange", { key: Buffer.from(silent).toString("base64") });
    await using opened = await open();
    expect(await refusalOf(opened, change({ a: "1" }))).toBe(null);
    expect(valueOf(opened.view, "k0")?.length).toBe(20_000);
  });
});
