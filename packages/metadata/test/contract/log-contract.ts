import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createSeededRandom, newId } from "@kakera/kernel";
import type { Change, CommitLog, KeyRange } from "../../src/index.ts";

export interface LogDriver {
  open(): Promise<CommitLog>;
  /** A log over the same medium, after `close`; null when the driver keeps nothing. */
  reopen: (() => Promise<CommitLog>) | null;
  cleanUp(): Promise<void>;
}

type Steps = { [key: string]: string | null };

/** The contract of CommitLog: every driver passes it. */
export function describeLog(name: string, makeDriver: () => LogDriver): void {
  describe(`a commit log (${name})`, () => {
    const random = createSeededRandom(3);
    let driver: LogDriver;
    let log: CommitLog;

    beforeEach(async () => {
      driver = makeDriver();
      log = await driver.open();
    });
    afterEach(async () => {
      await log.close();
      await driver.cleanUp();
    });

    const key = (name: string): Buffer => Buffer.from(`P${name}`);
    const change = (
      steps: Steps,
      conditions: { seen?: { [key: string]: number }; empty?: KeyRange[]; deleteRanges?: KeyRange[] } = {},
    ): Change => ({
      id: newId("change", random),
      purpose: "write",
      compares: Object.entries(conditions.seen ?? {}).map(([name, revision]) => ({ key: key(name), revision })),
      emptyRanges: conditions.empty ?? [],
      puts: Object.entries(steps)
        .filter(([, value]) => value !== null)
        .map(([name, value]) => ({ key: key(name), value: Buffer.from(value as string) })),
      deletes: Object.entries(steps)
        .filter(([, value]) => value === null)
        .map(([name]) => key(name)),
      deleteRanges: conditions.deleteRanges ?? [],
    });
    const valueOf = (name: string): string | null => log.view.get(key(name))?.value.toString() ?? null;
    const revisionOf = (name: string): number => log.view.get(key(name))?.revision ?? 0;
    const range = (from: string, to: string): KeyRange => ({ from: key(from), to: key(to) });

    test("a change is in the view when its commit resolves, at the revision that it resolves with", async () => {
      const first = await log.commit(change({ a: "1", b: "1" }));
      expect(first).toEqual({ outcome: "committed", revision: revisionOf("a") });
      expect([valueOf("a"), valueOf("b")]).toEqual(["1", "1"]);
      const second = await log.commit(change({ a: "2", b: null }));
      expect(second.outcome === "committed" && first.outcome === "committed" && second.revision > first.revision).toBe(
        true,
      );
      expect([valueOf("a"), valueOf("b")]).toEqual(["2", null]);
    });

    test("a barrier passes over what was acknowledged", async () => {
      await log.commit(change({ a: "1" }));
      await log.barrier();
      expect(valueOf("a")).toBe("1");
    });

    test("refuses a change whose comparison fails, names the key, and writes nothing", async () => {
      await log.commit(change({ a: "1" }));
      const seen = revisionOf("a");
      await log.commit(change({ a: "2" }, { seen: { a: seen } }));
      expect(await log.commit(change({ a: "3", b: "3" }, { seen: { b: 0, a: seen } }))).toEqual({
        outcome: "refused",
        failed: key("a"),
      });
      expect([valueOf("a"), valueOf("b")]).toEqual(["2", null]);
    });

    test("an absent key compares as revision 0, a deleted one too", async () => {
      expect((await log.commit(change({ a: "1" }, { seen: { a: 0 } }))).outcome).toBe("committed");
      expect((await log.commit(change({ a: "2" }, { seen: { a: 0 } }))).outcome).toBe("refused");
      await log.commit(change({ a: null }));
      expect((await log.commit(change({ a: "3" }, { seen: { a: 0 } }))).outcome).toBe("committed");
    });

    test("a range that must be empty refuses, and names the first key in it", async () => {
      await log.commit(change({ m1: "x", m2: "x" }));
      expect(await log.commit(change({ a: "1" }, { empty: [range("m", "n")] }))).toEqual({
        outcome: "refused",
        failed: key("m1"),
      });
      expect((await log.commit(change({ a: "1" }, { empty: [range("m3", "n")] }))).outcome).toBe("committed");
    });

    test("deletes a range with all that is in it", async () => {
      await log.commit(change({ m1: "x", m2: "x", n: "x" }));
      await log.commit(change({ a: "1" }, { deleteRanges: [range("m", "n")] }));
      expect([valueOf("m1"), valueOf("m2"), valueOf("n"), valueOf("a")]).toEqual([null, null, "x", "1"]);
    });

    test("of many that create one key at once exactly one wins", async () => {
      const results = await Promise.all(
        Array.from({ length: 40 }, (_, i) => log.commit(change({ a: `${i}` }, { seen: { a: 0 } }))),
      );
      const winners = results
        .map((result, i) => (result.outcome === "committed" ? `${i}` : null))
        .filter((winner) => winner !== null);
      expect(winners).toEqual([valueOf("a")]);
    });

    test("two that each read what the other writes never both succeed", async () => {
      for (let round = 0; round < 20; round++) {
        await log.commit(change({ x: "0", y: "0" }));
        const [x, y] = [revisionOf("x"), revisionOf("y")];
        const results = await Promise.all([
          log.commit(change({ a: "warm" })),
          log.commit(change({ x: "1" }, { seen: { x, y } })),
          log.commit(change({ y: "1" }, { seen: { x, y } })),
        ]);
        expect(
          results
            .slice(1)
            .map((result) => result.outcome)
            .sort(),
        ).toEqual(["committed", "refused"]);
      }
    });

    test("a put into a bucket and the bucket's removal never both succeed, whichever comes first", async () => {
      for (let round = 0; round < 20; round++) {
        await log.commit(change({ bucket: "open" }, { deleteRanges: [range("in/", "in0")] }));
        const bucket = revisionOf("bucket");
        const put = (): Promise<unknown> => log.commit(change({ "in/k": "body" }, { seen: { bucket, "in/k": 0 } }));
        const remove = (): Promise<unknown> =>
          log.commit(change({ bucket: null }, { seen: { bucket }, empty: [range("in/", "in0")] }));
        const warm = log.commit(change({ a: `${round}` }));
        const results = await Promise.all(round % 2 === 0 ? [put(), remove()] : [remove(), put()]);
        await warm;
        expect((results as { outcome: string }[]).map((result) => result.outcome).sort()).toEqual([
          "committed",
          "refused",
        ]);
        expect(valueOf("bucket") === null).toBe(valueOf("in/k") === null);
      }
    });

    test("a condition sees a range that an earlier change of the same batch deletes", async () => {
      await log.commit(change({ m1: "x", m2: "x" }));
      const [m1] = [revisionOf("m1")];
      const results = await Promise.all([
        log.commit(change({ a: "warm" })),
        log.commit(change({}, { deleteRanges: [range("m", "n")] })),
        log.commit(change({ b: "1" }, { empty: [range("m", "n")] })),
        log.commit(change({ c: "1" }, { seen: { m1 } })),
        log.commit(change({ m1: "again" }, { seen: { m1: 0 } })),
        log.commit(change({ d: "1" }, { empty: [range("m", "n")] })),
      ]);
      expect(results.map((result) => result.outcome)).toEqual([
        "committed",
        "committed",
        "committed",
        "refused",
        "committed",
        "refused",
      ]);
      expect([valueOf("m1"), valueOf("m2")]).toEqual(["again", null]);
    });

    test("a range deletes what an earlier change of the same batch put into it", async () => {
      const results = await Promise.all([
        log.commit(change({ a: "warm" })),
        log.commit(change({ m1: "x" })),
        log.commit(change({}, { deleteRanges: [range("m", "n")] })),
        log.commit(change({ b: "1" }, { seen: { m1: 0 } })),
        log.commit(change({ c: "1" }, { empty: [range("m", "n")] })),
      ]);
      expect(results.map((result) => result.outcome)).toEqual(Array.from({ length: 5 }, () => "committed"));
      expect(valueOf("m1")).toBeNull();
    });

    test("a counter that many increment by compare and retry loses nothing", async () => {
      const increment = async (): Promise<void> => {
        for (;;) {
          const entry = log.view.get(key("count"));
          const next = `${Number(entry?.value.toString() ?? "0") + 1}`;
          if (
            (await log.commit(change({ count: next }, { seen: { count: entry?.revision ?? 0 } }))).outcome ===
            "committed"
          )
            return;
        }
      };
      await Promise.all(Array.from({ length: 30 }, increment));
      expect(valueOf("count")).toBe("30");
    });

    test("takes a change of many keys whole", async () => {
      const count = Math.min(1000, log.operationsPerChangeMax);
      const steps = Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, `${i}`.repeat(20)]));
      const seen = Object.fromEntries(Object.keys(steps).map((name) => [name, 0]));
      expect((await log.commit(change(steps, { seen }))).outcome).toBe("committed");
      expect(log.view.range(key("k"), key("l"), 2000)).toHaveLength(count);
    });

    test("the caller may reuse its buffers once the commit has resolved", async () => {
      const value = Buffer.from("mine");
      await log.commit({ ...change({}), puts: [{ key: key("a"), value }] });
      value.fill(0);
      expect(valueOf("a")).toBe("mine");
    });

    test("a change that writes a key twice is a bug, and the log goes on", async () => {
      const twice = { ...change({ a: "1" }), deletes: [key("a")] };
      await expect(log.commit(twice)).rejects.toThrow("each key once");
      const inside = change({ m1: "1" }, { deleteRanges: [range("m", "n")] });
      await expect(log.commit(inside)).rejects.toThrow("range that it deletes");
      expect((await log.commit(change({ a: "2" }))).outcome).toBe("committed");
    });

    test("holds everything after it was closed and opened again, where it keeps anything", async () => {
      if (driver.reopen === null) return;
      await Promise.all(Array.from({ length: 50 }, (_, i) => log.commit(change({ [`k${i}`]: `v${i}`, last: `${i}` }))));
      await log.commit(change({ k7: null }));
      const before = log.view.range(key(""), key("\u007f"), 1000);
      const { revision } = log.status();
      await log.close();
      log = await driver.reopen();
      expect(log.view.range(key(""), key("\u007f"), 1000)).toEqual(before);
      expect(log.status().revision).toBe(revision);
      const next = await log.commit(change({ k7: "back" }, { seen: { k7: 0, k8: revisionOf("k8") } }));
      expect(next.outcome).toBe("committed");
      expect(log.status().revision).toBeGreaterThan(revision);
    });

    test("says that it can write, and refuses with `retry` when it is closed", async () => {
      expect(log.status().canWrite).toBe(true);
      await log.close();
      expect(log.status().canWrite).toBe(false);
      await expect(log.commit(change({ a: "1" }))).rejects.toMatchObject({ kind: "retry", reason: "LOG_UNREACHABLE" });
      await expect(log.barrier()).rejects.toMatchObject({ kind: "retry" });
    });
  });
}
