import { describe, expect, it } from "vitest";
import { judgeKey } from "../src/checkers/judge-key.ts";
import type { KeyAction, KeyOperation, KeyOutcome } from "../src/checkers/key-history.ts";

const always = { kind: "none" } as const;
const done: KeyOutcome = { kind: "done", seen: null };
const refused: KeyOutcome = { kind: "refused" };
const unknown: KeyOutcome = { kind: "unknown" };

function at(startMs: number, endMs: number, action: KeyAction, outcome: KeyOutcome): KeyOperation {
  return { startMs, endMs, action, outcome, by: "somebody" };
}
const put = (value: number, condition: Extract<KeyAction, { kind: "put" }>["condition"] = always): KeyAction => ({
  kind: "put",
  value,
  condition,
});
const read = (startMs: number, endMs: number, seen: number): KeyOperation =>
  at(startMs, endMs, { kind: "read" }, { kind: "done", seen });

describe("judgeKey()", () => {
  it("finds an order for what overlaps", () => {
    expect(judgeKey([at(0, 10, put(1), done), read(1, 2, 0), read(3, 4, 1)])).toBe("linearizable");
    expect(judgeKey([at(0, 10, put(1), done), at(0, 10, put(2), done), read(11, 12, 1)])).toBe("linearizable");
  });

  it("refuses a stale read, and two reads that go back in time", () => {
    expect(judgeKey([at(0, 1, put(1), done), read(2, 3, 0)])).toBe("not linearizable");
    expect(judgeKey([at(0, 10, put(1), done), read(1, 2, 1), read(3, 4, 0)])).toBe("not linearizable");
  });

  it("refuses what was deleted and is there again, and what nobody wrote", () => {
    const deleted = at(2, 3, { kind: "delete" }, done);
    expect(judgeKey([at(0, 1, put(1), done), deleted, read(4, 5, 1)])).toBe("not linearizable");
    expect(judgeKey([read(0, 1, 7)])).toBe("not linearizable");
  });

  it("lets what is not known happen late, or never, but not twice", () => {
    const late = at(0, Infinity, put(1), unknown);
    expect(judgeKey([late, read(1, 2, 0), read(100, 101, 1)])).toBe("linearizable");
    expect(judgeKey([late, read(1, 2, 0)])).toBe("linearizable");
    expect(judgeKey([late, read(1, 2, 1), at(3, 4, put(2), done), read(5, 6, 1)])).toBe("not linearizable");
  });

  it("lets one of two creations win, and not both", () => {
    const absent = { kind: "absent" } as const;
    expect(judgeKey([at(0, 5, put(1, absent), done), at(0, 5, put(2, absent), refused)])).toBe("linearizable");
    expect(judgeKey([at(0, 5, put(1, absent), done), at(0, 5, put(2, absent), done)])).toBe("not linearizable");
    expect(judgeKey([at(0, 5, put(1, absent), refused)])).toBe("not linearizable");
  });

  it("holds a change of what was seen to what is there", () => {
    const over1 = { kind: "match", value: 1 } as const;
    const first = at(0, 1, put(1), done);
    expect(judgeKey([first, at(2, 3, put(2, over1), done), read(4, 5, 2)])).toBe("linearizable");
    expect(judgeKey([first, at(2, 3, put(2), done), at(4, 5, put(3, over1), done)])).toBe("not linearizable");
    expect(judgeKey([first, at(2, 3, put(2, over1), refused)])).toBe("not linearizable");
  });
});
