import { describe, expect, it } from "vitest";
import { judgeOperations } from "../src/checkers/judge-operations.ts";
import type { ClientOperation } from "../src/linearizability/history.ts";

const put: ClientOperation = {
  kind: "put",
  key: "key-1",
  value: "7",
  condition: null,
  outcome: "done",
  callAt: 0,
  returnAt: 1,
};
const other: ClientOperation = { kind: "delete", key: "key-2", callAt: 0, returnAt: 1 };

describe("judgeOperations()", () => {
  it("has nothing to say of what one order explains", () => {
    const list: ClientOperation = { kind: "list", seen: new Map([["key-1", "7"]]), callAt: 2, returnAt: 3 };
    expect(judgeOperations([put, other, list])).toBeNull();
  });

  it("tells the answer that nothing explains, and what was done to its key before", () => {
    const stale: ClientOperation = { kind: "read", key: "key-1", seen: null, callAt: 2, returnAt: 3 };
    expect(judgeOperations([put, other, stale])?.split("\n  ")).toEqual([
      "nothing explains [2.0, 3.0] read key-1: nothing; there may have been key-1: a value, key-2: nothing",
      "[0.0, 1.0] put key-1 = 7: done",
      "[2.0, 3.0] read key-1: nothing",
    ]);
  });

  it("refuses a LIST that lacks a key which was there", () => {
    const list: ClientOperation = { kind: "list", seen: new Map(), callAt: 2, returnAt: 3 };
    expect(judgeOperations([put, list])).toContain("nothing explains [2.0, 3.0] list: ");
  });
});
