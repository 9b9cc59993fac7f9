import { describe, expect, test } from "vitest";
import { ReadRegister } from "../../src/read-path/read-register.ts";
import { WriteRegister } from "../../src/write-path/write-register.ts";

describe("the read register", () => {
  test("passes a mark when the reads that began before it have ended, whatever began later", () => {
    const reads = new ReadRegister();
    const [first, second] = [reads.begin(), reads.begin()];
    const mark = reads.set();
    const later = reads.begin();
    expect(reads.isPassed(mark)).toBe(false);
    reads.end(first);
    expect(reads.isPassed(mark)).toBe(false);
    reads.end(second);
    expect(reads.isPassed(mark)).toBe(true);
    const next = reads.set();
    expect([reads.isPassed(mark), reads.isPassed(next)]).toEqual([true, false]);
    reads.end(later);
    expect(reads.isPassed(next)).toBe(true);
  });

  test("passes a mark at once when nothing is read", () => {
    const reads = new ReadRegister();
    reads.end(reads.begin());
    expect([reads.isPassed(reads.set()), reads.isPassed(reads.set())]).toEqual([true, true]);
  });
});

describe("the write register", () => {
  test("lets its floor pass only what is decided without a gap", () => {
    const writes = new WriteRegister(() => {});
    const numbers = [writes.begin(), writes.begin(), writes.begin()] as const;
    const mark = writes.set();
    writes.decide(numbers[1]);
    expect(writes.floor).toBe(numbers[0]);
    writes.decide(numbers[0]);
    expect(writes.floor).toBe(numbers[2]);
    expect(writes.isPassed(mark)).toBe(false);
    writes.decide(numbers[2]);
    writes.decide(numbers[2]);
    expect(writes.isPassed(mark)).toBe(true);
    expect(writes.begin()).toBe(4);
  });

  test("moves on to other numbers, and its floor stays at what began before and is not decided", () => {
    const writes = new WriteRegister(() => {});
    const old = writes.begin();
    const mark = writes.set();
    writes.moveOn({ start: 100, end: 102 });
    expect([writes.floor, writes.isPassed(mark)]).toEqual([old, false]);
    expect(writes.begin()).toBe(100);
    writes.decide(old);
    expect([writes.floor, writes.isPassed(mark)]).toEqual([100, true]);
    writes.decide(100);
    // With nothing under way it moves all the same: a process that writes nothing holds nobody back.
    writes.moveOn({ start: 200, end: 300 });
    expect(writes.floor).toBe(200);
  });

  test("has no number left at the end of its block, and takes none of another's", () => {
    const writes = new WriteRegister(() => {});
    writes.moveOn({ start: 100, end: 101 });
    writes.begin();
    expect(() => writes.begin()).toThrow("waits for numbers");
    expect(() => writes.moveOn({ start: 100, end: 110 })).toThrow("rise");
  });
});
