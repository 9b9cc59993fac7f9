import { describe, expect, test } from "vitest";
import { silentMeter, type Meter } from "@kakera/kernel";
import type { ViewPosition, ViewWrite } from "@kakera/metadata";
import { startEtcd } from "../harness/etcd.ts";
import { obtainEtcd } from "../harness/etcd/obtain-etcd.ts";
import { until } from "../harness/server.ts";
import { change, key, openLog, rowsOf } from "./open-log.ts";

const isHere = (await obtainEtcd("current", "audits of views")) !== null;
const prefix = "/audit/";

/** A meter, and the sums of its counters. */
function counting(): { meter: Meter; total: (name: string) => number } {
  const totals = new Map<string, number>();
  const meter: Meter = {
    ...silentMeter,
    counter: ({ name }) => ({ add: (amount = 1) => totals.set(name, (totals.get(name) ?? 0) + amount) }),
  };
  return { meter, total: (name) => totals.get(`kakera_view_audit_${name}_total`) ?? 0 };
}

const wrong: { readonly [what: string]: (revision: number) => ViewWrite } = {
  "has another value": (revision) => ({ kind: "put", key: key("k3"), value: Buffer.from("other"), revision }),
  "has an older revision": (revision) => ({
    kind: "put",
    key: key("k3"),
    value: Buffer.from("3"),
    revision: revision - 1,
  }),
  "lacks a row": () => ({ kind: "delete", key: key("k7") }),
  "lacks the last row": () => ({ kind: "delete", key: key("k999") }),
  "has a row that is deleted": (revision) => ({ kind: "put", key: key("k44x"), value: Buffer.from("x"), revision }),
  "has a row behind the last": (revision) => ({ kind: "put", key: key("z"), value: Buffer.from("x"), revision }),
};

describe.skipIf(!isHere)("the audit of a view", () => {
  test.each(Object.entries(wrong))("finds a view that %s, and has it read anew", async (_, write) => {
    await using etcd = await startEtcd({ version: "current", members: 1 });
    const { meter, total } = counting();
    const settings = { auditPassMs: 50 };
    await using opened = await openLog({ endpoints: etcd.endpoints, prefix, settings, meter });
    const { log, view, said } = opened;
    // Three pages; none of the wrong rows is in the first.
    await Promise.all(Array.from({ length: 2_500 }, (_, i) => log.commit(change({ [`k${i}`]: `${i}` }))));
    await until("it has looked at all", () => total("rows") > 10_000);
    expect(total("differences")).toBe(0);
    const rows = rowsOf(view);
    const revision = view.get(key("k3"))?.revision as number;
    const position = view.position as ViewPosition;
    view.apply({ revision: position.revision, position, writes: [write(revision)] });
    expect(rowsOf(view)).not.toEqual(rows);
    await until("it has found that", () => total("differences") > 0);
    await log.barrier();
    expect(rowsOf(view)).toEqual(rows);
    expect(said.filter(({ event }) => event === "etcd.view-differs")).toMatchObject([{ level: "error" }]);
  });

  test("says nothing of a view that changes all the time", async () => {
    await using etcd = await startEtcd({ version: "current", members: 1 });
    const { meter, total } = counting();
    await using audited = await openLog({ endpoints: etcd.endpoints, prefix, settings: { auditPassMs: 1 }, meter });
    await using other = await openLog({ endpoints: etcd.endpoints, prefix });
    let isOver = false;
    const writing = Array.from({ length: 16 }, async (_, writer) => {
      const { log } = writer % 2 === 0 ? audited : other;
      for (let i = writer; !isOver; i += 16)
        await log.commit(change({ [`k${(i * 7919) % 40}`]: i % 3 === 0 ? null : `${i}` }));
    });
    await until("it has looked at them often", () => total("rows") > 10_000);
    isOver = true;
    await Promise.all(writing);
    expect(total("differences")).toBe(0);
  });
});
