import { createSeededRandom, type Random } from "@kakera/kernel";
import { checkHistory, type ClientOperation, type PutOperation } from "@kakera/simulator";
import { describe, expect, test } from "vitest";
import { hasAnOrder } from "./all-orders.ts";
import { randomHistory } from "./random-history.ts";

type When = readonly [callAt: number, returnAt: number];
const never = Infinity;
const span = ([callAt, returnAt]: When) => ({ callAt, returnAt });
const put = (value: string, when: When, more: Partial<PutOperation> = {}): ClientOperation => ({
  kind: "put",
  key: "k",
  value,
  condition: null,
  outcome: "done",
  ...span(when),
  ...more,
});
const get = (seen: string | null, when: When, key = "k"): ClientOperation => ({
  kind: "read",
  key,
  seen,
  ...span(when),
});
const remove = (when: When, key = "k"): ClientOperation => ({ kind: "delete", key, ...span(when) });
const list = (seen: Record<string, string>, when: When): ClientOperation => ({
  kind: "list",
  seen: new Map(Object.entries(seen)),
  ...span(when),
});
const create = { condition: "absent" } as const;
const over = (matches: string): Pick<PutOperation, "condition"> => ({ condition: { matches } });
const refused = { outcome: "refused" } as const;

const right: Readonly<Record<string, ClientOperation[]>> = {
  "a read sees a write that overlaps it, or does not": [put("1", [0, 9]), get(null, [1, 2]), get("1", [3, 4])],
  "two writes overlap, and the one that returned first wins": [put("1", [0, 9]), put("2", [1, 2]), get("1", [10, 11])],
  "a write without an outcome takes effect long after, in front of another's eyes": [
    put("1", [0, never]),
    put("2", [1, 2]),
    get("2", [3, 4]),
    get("1", [5, 6]),
  ],
  "a write without an outcome never takes effect": [
    put("1", [0, never]),
    get(null, [1, 2]),
    put("2", [3, 4]),
    get("2", [5, 6]),
  ],
  "a removal without an outcome": [put("1", [0, 1]), remove([2, never]), get("1", [3, 4]), get(null, [5, 6])],
  "one of two creations is refused": [
    put("1", [0, 5], create),
    put("2", [1, 6], { ...create, ...refused }),
    get("1", [7, 8]),
  ],
  "a creation is refused for one without an outcome": [
    put("1", [0, never]),
    put("2", [1, 2], { ...create, ...refused }),
    get("1", [3, 4]),
  ],
  "a creation that never took effect, as there was one": [
    put("1", [0, 1]),
    put("2", [2, never], create),
    get("1", [3, 4]),
    remove([5, 6]),
    get(null, [7, 8]),
    get("2", [9, 10]),
  ],
  "a chain of replacements": [
    put("1", [0, 1]),
    put("2", [2, 3], over("1")),
    put("3", [4, 5], { ...over("1"), ...refused }),
  ],
  "a replacement of what is not there": [put("1", [0, 1], { ...over("0"), outcome: "missing" })],
  "a list sees one moment between two writes": [
    put("1", [0, 1], { key: "a" }),
    put("2", [2, 9], { key: "b" }),
    put("3", [3, 9], { key: "a" }),
    list({ a: "3" }, [4, 5]),
    list({ a: "3", b: "2" }, [6, 7]),
  ],
};

const wrong: Readonly<Record<string, ClientOperation[]>> = {
  "a stale read": [put("1", [0, 1]), put("2", [2, 3]), get("1", [4, 5])],
  "a read that goes back": [put("1", [0, 1]), put("2", [2, 9]), get("2", [3, 4]), get("1", [5, 6])],
  "a lost write": [put("1", [0, 1]), get(null, [2, 3])],
  "a value that nobody wrote": [put("1", [0, 1]), get("7", [2, 3])],
  "a value before it was written": [get("1", [0, 1]), put("1", [2, 3])],
  "a removed value that is back": [put("1", [0, 1]), remove([2, 3]), get("1", [4, 5])],
  "a write without an outcome that takes effect twice": [
    put("1", [0, never]),
    get("1", [1, 2]),
    put("2", [3, 4]),
    get("2", [5, 6]),
    get("1", [7, 8]),
  ],
  "two creations": [put("1", [0, 5], create), put("2", [1, 6], create)],
  "two replacements of one value": [put("1", [0, 1]), put("2", [2, 9], over("1")), put("3", [3, 8], over("1"))],
  "a creation refused of what is not there": [put("1", [0, 1], { ...create, ...refused })],
  "a replacement refused of the very value": [put("1", [0, 1]), put("2", [2, 3], { ...over("1"), ...refused })],
  "a replacement that misses what is there": [put("1", [0, 1]), put("2", [2, 3], { ...over("1"), outcome: "missing" })],
  "a replacement refused and not missing": [put("1", [0, 1], { ...over("0"), ...refused })],
  "a list of two moments, though each key may have been so": [
    put("1", [0, 1], { key: "a" }),
    put("2", [2, 9], { key: "b" }),
    get("2", [3, 4], "b"),
    put("3", [5, 6], { key: "a" }),
    list({ a: "3" }, [7, 8]),
  ],
  "two lists that see two writes in different orders": [
    put("1", [0, 20], { key: "a" }),
    put("2", [0, 20], { key: "b" }),
    list({ a: "1" }, [1, 10]),
    list({ b: "2" }, [2, 11]),
  ],
  "a list without what was there": [put("1", [0, 1], { key: "a" }), list({}, [2, 3])],
};

describe("checkHistory()", () => {
  test.each(Object.entries(right))("finds an order: %s", (_, history) => {
    expect(hasAnOrder(history)).toBe(true);
    expect(checkHistory(history)).toMatchObject({ kind: "linearizable" });
  });

  test.each(Object.entries(wrong))("finds none: %s", (_, history) => {
    expect(hasAnOrder(history)).toBe(false);
    expect(checkHistory(history)).toMatchObject({ kind: "violation" });
  });

  test("names the answer that nothing explains, what was under way, and what the key may have held", () => {
    const stale = get("1", [5, 6]);
    const besides = put("3", [4, 9]);
    const history = [put("1", [0, 1]), put("2", [2, 3]), besides, stale, get("3", [10, 11])];
    expect(checkHistory(history)).toEqual({
      kind: "violation",
      operation: stale,
      underWay: [besides],
      possible: ["k: a value"],
    });
  });

  test("says that nothing is known when it may look at too little", () => {
    const history = [put("1", [0, 9]), put("2", [0, 9]), get("1", [10, 11])];
    expect(checkHistory(history, { configurationsMax: 1 })).toMatchObject({ kind: "undecided" });
  });

  test("agrees with all orders tried out, on small histories that are right and on such that were changed", () => {
    let wrongCount = 0;
    const historyCount = 1_500;
    for (let seed = 0; seed < historyCount; seed++) {
      const history = randomHistory({
        seed,
        clientCount: 4,
        keyCount: 1 + (seed % 2),
        operationCount: 9,
        openShare: 0.15,
      });
      const readable = history.filter(({ kind, returnAt }) => returnAt < never || kind === "put" || kind === "delete");
      expect([seed, checkHistory(readable).kind]).toEqual([seed, "linearizable"]);
      const changed = alter(readable, createSeededRandom(seed));
      const hasOne = hasAnOrder(changed);
      if (!hasOne) wrongCount++;
      expect([seed, checkHistory(changed).kind]).toEqual([seed, hasOne ? "linearizable" : "violation"]);
    }
    expect(wrongCount).toBeGreaterThan(historyCount / 4);
  });

  test("finds one wrong answer in thousands of operations, with many whose outcome nobody knows", () => {
    for (const keyCount of [1, 3]) {
      const history = randomHistory({
        seed: keyCount,
        clientCount: 7,
        keyCount,
        operationCount: 2_400,
        openShare: 0.06,
      });
      expect(history.filter(({ returnAt }) => returnAt === never).length).toBeGreaterThan(60);
      expect(checkHistory(history)).toMatchObject({ kind: "linearizable" });
      const reads = history.flatMap((operation, index) => (isLateRead(operation) ? [{ operation, index }] : []));
      for (let turn = 0; turn < 2; turn++) {
        const { operation, index } = reads[Math.floor((reads.length * (turn + 1)) / 3)] as (typeof reads)[number];
        const seen = longOverwritten(history, operation);
        expect(checkHistory(history.with(index, { ...operation, seen }))).toMatchObject({ kind: "violation" });
      }
    }
  });
});

type LateRead = Extract<ClientOperation, { kind: "read" }>;

function isLateRead(operation: ClientOperation): operation is LateRead {
  return operation.kind === "read" && operation.callAt > 2_500;
}

/** A value that was seen once, and certainly overwritten before this read began. */
function longOverwritten(history: readonly ClientOperation[], read: LateRead): string {
  const isDone = (value: string): boolean =>
    history.some((each) => each.kind === "put" && each.value === value && each.returnAt < read.callAt - 1_000);
  const seen = history.find(
    (each) =>
      each.kind === "read" &&
      each.key === read.key &&
      each.seen !== null &&
      each.returnAt < read.callAt - 500 &&
      isDone(each.seen),
  );
  const isOverwritten = history.some(
    (each) =>
      each.kind === "put" &&
      each.condition === null &&
      each.key === read.key &&
      each.callAt > (seen?.returnAt ?? never) &&
      each.returnAt < read.callAt,
  );
  if (seen?.kind !== "read" || seen.seen === null || !isOverwritten) throw new Error("the history is too short");
  return seen.seen;
}

/** One answer is another one than it was. */
function alter(history: readonly ClientOperation[], random: Random): ClientOperation[] {
  const below = (count: number): number => Math.floor(random.fraction() * count);
  const values = ["v-nobody", ...history.flatMap((each) => (each.kind === "put" ? [each.value] : []))];
  const index = below(history.length);
  const operation = history[index] as ClientOperation;
  if (operation.returnAt === never) return history.toSpliced(index, 1);
  switch (operation.kind) {
    case "read":
      return history.with(index, {
        ...operation,
        seen: below(4) === 0 ? null : (values[below(values.length)] as string),
      });
    case "list":
      return history.with(index, { ...operation, seen: new Map([...operation.seen].slice(1)) });
    case "delete":
      return history.toSpliced(index, 1);
    case "put": {
      const outcome = operation.condition === null || operation.outcome !== "done" ? "done" : "refused";
      return outcome === operation.outcome
        ? history.toSpliced(index, 1)
        : history.with(index, { ...operation, outcome });
    }
  }
}
