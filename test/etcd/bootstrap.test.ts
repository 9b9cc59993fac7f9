import { describe, expect, test } from "vitest";
import { createMemoryView } from "@kakera/metadata";
import { startEtcd } from "../harness/etcd.ts";
import { obtainEtcd } from "../harness/etcd/obtain-etcd.ts";
import { until } from "../harness/server.ts";
import { change, openLog, rowsOf } from "./open-log.ts";

const isHere = (await obtainEtcd("current", "views that are read anew")) !== null;
const prefix = "/bootstrap/";
const ticket = `${prefix}bootstrap`;
const toBase64 = (text: string): string => Buffer.from(text).toString("base64");

describe.skipIf(!isHere)("a view that is read anew", () => {
  test("waits while another one is, and gives its turn on", async () => {
    await using etcd = await startEtcd({ version: "current", members: 1 });
    const endpoint = etcd.endpoints[0] as string;
    await using writer = await openLog({ endpoints: etcd.endpoints, prefix });
    await Promise.all(Array.from({ length: 100 }, (_, i) => writer.log.commit(change({ [`k${i}`]: "1" }))));
    await until("its turn is over", async () => (await etcd.gateway.get(endpoint, ticket)) === null);
    await etcd.gateway.put(endpoint, ticket, "another");
    const view = createMemoryView();
    const opening = openLog({ endpoints: etcd.endpoints, prefix, view });
    // Its session is there long before; so much later it would have read a hundred rows.
    const sessions = async (): Promise<number> => {
      const range = { key: toBase64(`${prefix}session/`), range_end: toBase64(`${prefix}session0`) };
      return Number((await etcd.gateway.call<{ count?: string }>(endpoint, "kv/range", range)).count ?? 0);
    };
    await until("it has a session", async () => (await sessions()) === 2);
    for (let i = 0; i < 50; i++) await writer.log.commit(change({ [`k${i}`]: "2" }));
    expect(view.entryCount).toBe(0);
    await etcd.gateway.call(endpoint, "kv/deleterange", { key: toBase64(ticket) });
    await using opened = await opening;
    expect(rowsOf(opened.view)).toEqual(rowsOf(writer.view));
    expect(opened.said.filter(({ event }) => event === "etcd.view-waits")).toHaveLength(1);
    await until("its turn is over", async () => (await etcd.gateway.get(endpoint, ticket)) === null);
  });

  test("is read once where somebody else has compacted all that there is, and nothing changes any more", async () => {
    await using etcd = await startEtcd({ version: "current", members: 1 });
    const endpoint = etcd.endpoints[0] as string;
    const writer = await openLog({ endpoints: etcd.endpoints, prefix });
    await writer.log.commit(change({ a: "1" }));
    await writer.log.close();
    // The tail is older than what is compacted: a watch from it on is refused for as long as nobody commits, and the view read again and again.
    await etcd.compact(await etcd.gateway.put(endpoint, "/somebody/else", "1"));
    await using opened = await openLog({ endpoints: etcd.endpoints, prefix });
    for (let i = 0; i < 300; i++) await opened.log.barrier();
    expect(rowsOf(opened.view)).toEqual(rowsOf(writer.view));
    await opened.log.commit(change({ b: "2" }));
    expect(rowsOf(opened.view)).toHaveLength(2);
    expect(opened.said.filter(({ event }) => event === "etcd.view-read")).toHaveLength(1);
  });

  test("waits on when etcd is away meanwhile", async () => {
    await using etcd = await startEtcd({ version: "current", members: 1 });
    const endpoint = etcd.endpoints[0] as string;
    const settings = { memberDeadlineMs: 300, openDeadlineMs: 60_000 };
    await using opened = await openLog({ endpoints: etcd.endpoints, prefix, settings });
    await opened.log.commit(change({ a: "1" }));
    await until("its turn is over", async () => (await etcd.gateway.get(endpoint, ticket)) === null);
    await etcd.gateway.put(endpoint, ticket, "another");
    await etcd.compact(await etcd.gateway.put(endpoint, `${prefix}x`, "1"));
    await etcd.members[0]?.kill();
    await etcd.members[0]?.start();
    const waits = (): number => opened.said.filter(({ event }) => event === "etcd.view-waits").length;
    await until("it waits", () => waits() > 0);
    await etcd.members[0]?.kill();
    await until("it has noticed", () =>
      opened.said.some(({ fields }) => `${String(fields?.["cause"])}`.includes("no turn")),
    );
    await etcd.members[0]?.start();
    await etcd.gateway.call(endpoint, "kv/deleterange", { key: toBase64(ticket) });
    await until("it is back", () =>
      opened.log.barrier().then(
        () => true,
        () => false,
      ),
    );
    expect(rowsOf(opened.view)).toHaveLength(1);
  });

  test("has its turn when the other one has died, or was waited for long enough", async () => {
    await using etcd = await startEtcd({ version: "current", members: 1 });
    const endpoint = etcd.endpoints[0] as string;
    const { ID } = await etcd.gateway.call<{ ID: string }>(endpoint, "lease/grant", { TTL: "2" });
    await etcd.gateway.call(endpoint, "kv/put", { key: toBase64(ticket), value: toBase64("dead"), lease: ID });
    await using first = await openLog({ endpoints: etcd.endpoints, prefix });
    expect(first.said.some(({ event }) => event === "etcd.view-waits")).toBe(true);
    await until("its turn is over", async () => (await etcd.gateway.get(endpoint, ticket)) === null);
    await etcd.gateway.put(endpoint, ticket, "stuck");
    await using second = await openLog({ endpoints: etcd.endpoints, prefix, settings: { bootstrapWaitMs: 1_000 } });
    expect(rowsOf(second.view)).toEqual(rowsOf(first.view));
    // Nobody else's turn is ended.
    await second.log.close();
    expect(await etcd.gateway.get(endpoint, ticket)).toBe("stuck");
  });
});
