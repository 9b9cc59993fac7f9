import { measureHistory, type ClientOperation } from "@kakera/simulator";
import { expect, test } from "vitest";

const read = (key: string, callAt: number, returnAt: number): ClientOperation => ({
  kind: "read",
  key,
  seen: null,
  callAt,
  returnAt,
});

test("measureHistory() counts what overlaps on the same key, also across others, and not what merely touches", () => {
  const history = [read("a", 0, 10), read("a", 1, 2), read("a", 3, 4), read("a", 10, 11), read("b", 0, 10)];
  expect(measureHistory(history).overlapShare).toBe(3 / 5);
});

test("measureHistory() tells answers apart, and counts no overlap with what has no outcome", () => {
  const put = { kind: "put", key: "a", value: "1", condition: "absent", outcome: "done" } as const;
  const open = { ...put, callAt: 0, returnAt: Infinity };
  const refused: ClientOperation = { ...put, value: "2", outcome: "refused", callAt: 3, returnAt: 4 };
  const { counts, openCount, overlapShare } = measureHistory([open, refused]);
  expect([...counts]).toEqual([
    ["put absent open", 1],
    ["put absent refused", 1],
  ]);
  expect([openCount, overlapShare]).toEqual([1, 0]);
});
