import { Ledger } from "@kakera/simulator";
import { describe, expect, it } from "vitest";

describe("Ledger", () => {
  it("allows only what was acknowledged, when nothing else was begun", () => {
    const { ledger, at } = ledgerAt();
    at(1);
    const first = ledger.begin("k", "1");
    at(5);
    ledger.acknowledge(first);
    expect(ledger.allowedAt("k", 1)).toEqual(new Set([null]));
    expect(ledger.allowedAt("k", 2)).toEqual(new Set([null, "1"]));
    expect(ledger.allowedAt("k", 4)).toEqual(new Set([null, "1"]));
    expect(ledger.allowedAt("k", 5)).toEqual(new Set(["1"]));
    expect(ledger.acknowledgedBefore(4)).toBe(0);
    expect(ledger.acknowledgedBefore(5)).toBe(1);
  });

  it("allows old or new while a change is not acknowledged, and for good when it never is", () => {
    const { ledger, at } = ledgerAt();
    const first = ledger.begin("k", "1");
    at(2);
    ledger.acknowledge(first);
    at(3);
    ledger.begin("k", null);
    expect(ledger.allowedAt("k", 9)).toEqual(new Set(["1", null]));
    const third = ledger.begin("k", "3");
    at(6);
    ledger.acknowledge(third);
    expect(ledger.allowedAt("k", 9)).toEqual(new Set([null, "3"]));
  });

  it("allows either of two changes that overlapped", () => {
    const { ledger, at } = ledgerAt();
    const first = ledger.begin("k", "1");
    at(1);
    const second = ledger.begin("k", "2");
    at(2);
    ledger.acknowledge(second);
    at(3);
    ledger.acknowledge(first);
    expect(ledger.allowedAt("k", 3)).toEqual(new Set(["1", "2"]));
  });

  it("counts a change that was begun and acknowledged without touching a disk", () => {
    const { ledger, at } = ledgerAt();
    const first = ledger.begin("k", "1");
    at(2);
    ledger.acknowledge(first);
    ledger.acknowledge(ledger.begin("k", null));
    expect(ledger.allowedAt("k", 2)).toEqual(new Set([null]));
  });

  it("never allows what was refused", () => {
    const { ledger, at } = ledgerAt();
    const first = ledger.begin("k", "1");
    at(2);
    ledger.refuse(first);
    expect(ledger.allowedAt("k", 1)).toEqual(new Set([null]));
    expect(() => ledger.acknowledge(first)).toThrow();
  });

  it("holds what was seen, and drops what was seen not to have happened", () => {
    const { ledger, at } = ledgerAt();
    for (const key of ["shown", "hidden"]) {
      at(0);
      const first = ledger.begin(key, "1");
      at(2);
      ledger.acknowledge(first);
      at(4);
      ledger.begin(key, "2");
    }
    at(8);
    expect(
      ledger.observe(
        new Map([
          ["shown", "2"],
          ["hidden", "1"],
        ]),
      ),
    ).toEqual([]);
    expect(ledger.allowedAt("shown", 7)).toEqual(new Set(["1", "2"]));
    expect(ledger.allowedAt("shown", 8)).toEqual(new Set(["2"]));
    expect(ledger.allowedAt("hidden", 7)).toEqual(new Set(["1", "2"]));
    expect(ledger.allowedAt("hidden", 8)).toEqual(new Set(["1"]));
    expect(ledger.observe(new Map([["shown", "2"]]))).toEqual(["hidden reads absent, not 1"]);
  });

  it("lets what a reader did not see still come to pass, until a recovery shows that it did not", () => {
    const { ledger, at } = ledgerAt();
    const first = ledger.begin("k", "1");
    at(2);
    ledger.acknowledge(first);
    at(4);
    ledger.begin("k", "2");
    at(6);
    expect(ledger.show("k", "1")).toEqual([]);
    expect(ledger.allowedAt("k", 6)).toEqual(new Set(["1", "2"]));
    at(8);
    expect(ledger.show("k", "2")).toEqual([]);
    expect(ledger.show("k", "1")).toEqual(["k reads 1, not 2"]);
  });

  it("judges lost, wrong and unheard-of keys", () => {
    const { ledger, at } = ledgerAt();
    const first = ledger.begin("k", "1");
    at(2);
    ledger.acknowledge(first);
    expect(ledger.judge(new Map([["k", "1"]]), 2)).toEqual([]);
    expect(ledger.judge(new Map(), 2)).toEqual(["k reads absent, not 1"]);
    expect(
      ledger.judge(
        new Map([
          ["k", "1"],
          ["x", "9"],
        ]),
        2,
      ),
    ).toEqual(["x reads 9, not absent"]);
  });
});

function ledgerAt(): { ledger: Ledger; at: (position: number) => void } {
  let now = 0;
  return { ledger: new Ledger(() => now), at: (position) => (now = position) };
}
