import { describe, expect, test } from "vitest";
import type { Watermarks, WriteNumbers } from "@kakera/gateway";
import { MarkQueue } from "../src/processes/mark-queue.ts";
import { OtherWork, ProcessMarks, type WatchedWork } from "../src/processes/process-marks.ts";

/** Work whose every piece the test begins and ends. */
class TestWork implements WatchedWork {
  #lastMark = 0;
  readonly underWay = { reads: new Set<number>(), writes: new Set<number>() };
  #next = 1;
  readonly reads = this.#register("reads");
  readonly writes: Watermarks = {
    set: () => this.#next,
    isPassed: (mark) => [...this.underWay.writes].every((number) => number >= mark),
  };
  blocks: WriteNumbers[] = [];

  moveOn(numbers: WriteNumbers): void {
    expect(numbers.start).toBeGreaterThanOrEqual(this.#next);
    this.blocks.push(numbers);
    this.#next = numbers.start;
  }

  get writeFloor(): number {
    return Math.min(this.#next, ...this.underWay.writes);
  }

  beginRead(): () => void {
    const mark = this.#lastMark;
    this.underWay.reads.add(mark);
    return () => this.underWay.reads.delete(mark);
  }

  beginWrite(): number {
    const number = this.#next++;
    this.underWay.writes.add(number);
    return number;
  }

  #register(kind: "reads"): Watermarks {
    return {
      set: () => this.#lastMark++,
      isPassed: (mark) => [...this.underWay[kind]].every((begun) => begun > mark),
    };
  }
}

describe("the work of all processes", () => {
  test("a mark is passed when this process and every other one has ended what was under way then", () => {
    const own = new TestWork();
    const marks = new ProcessMarks(own);
    const endOwn = own.beginRead();
    const { work } = marks.admit();
    const mark = marks.reads.set();
    expect(marks.reads.isPassed(mark)).toBe(false);
    endOwn();
    // Silence proves nothing.
    expect(marks.reads.isPassed(mark)).toBe(false);
    work.report({ readsPassed: mark - 1, writesPassed: 0, writeFloor: 0 });
    expect(marks.reads.isPassed(mark)).toBe(false);
    work.report({ readsPassed: mark, writesPassed: 0, writeFloor: 0 });
    expect(marks.reads.isPassed(mark)).toBe(true);
  });

  test("a process that is started later holds no earlier mark back, and each later one", () => {
    const marks = new ProcessMarks(new TestWork());
    const before = marks.writes.set();
    marks.admit();
    expect(marks.writes.isPassed(before)).toBe(true);
    expect(marks.writes.isPassed(marks.writes.set())).toBe(false);
  });

  test("one that has ended reads nothing, and its writes hold back until what it handed over is decided", () => {
    const marks = new ProcessMarks(new TestWork());
    const { work, numbers } = marks.admit();
    marks.moveOn();
    const [read, write] = [marks.reads.set(), marks.writes.set()];
    work.readsNoMore();
    expect([marks.reads.isPassed(read), marks.writes.isPassed(write)]).toEqual([true, false]);
    expect(marks.writeFloor).toBe(numbers.start);
    work.writesNoMore();
    expect(marks.writes.isPassed(write)).toBe(true);
    expect(marks.writeFloor).toBeGreaterThan(numbers.end - 1);
  });

  test("the floor is the lowest of all, and rises though one of them writes nothing", () => {
    const own = new TestWork();
    const marks = new ProcessMarks(own);
    const mine = own.beginWrite();
    const { work, numbers } = marks.admit();
    expect(numbers.start).toBeGreaterThan(mine);
    expect(marks.writeFloor).toBe(mine);
    own.underWay.writes.delete(mine);
    expect(marks.writeFloor).toBe(Math.min(own.writeFloor, numbers.start));
    // Each gets new numbers from time to time.
    const later = marks.takeNumbers();
    marks.moveOn();
    work.report({ readsPassed: 0, writesPassed: 0, writeFloor: later.start });
    expect(marks.writeFloor).toBe(later.start);
  });

  test("no number is given out twice", () => {
    const own = new TestWork();
    const marks = new ProcessMarks(own);
    own.beginWrite();
    const blocks = [marks.admit().numbers, marks.takeNumbers(), marks.admit().numbers];
    marks.moveOn();
    const all = [...own.blocks, ...blocks].toSorted((a, b) => a.start - b.start);
    expect(all[0]?.start).toBe(2);
    for (const [index, block] of all.entries()) expect(block.start).toBeGreaterThanOrEqual(all[index - 1]?.end ?? 0);
  });

  test("a report never takes back what an earlier one said", () => {
    const work = new OtherWork({ readsPassed: 5, writesPassed: 5, writeFloor: 5 });
    work.report({ readsPassed: 1, writesPassed: 1, writeFloor: 1 });
    expect([work.readsPassed, work.writesPassed, work.writeFloor]).toEqual([5, 5, 5]);
  });
});

describe("a queue of marks", () => {
  test("passes them in order, and keeps so many at most", () => {
    const work = new TestWork();
    const queue = new MarkQueue(work.reads);
    queue.note(1);
    expect(queue.passed).toBe(1);
    const end = work.beginRead();
    for (let number = 2; number < 5000; number++) queue.note(number);
    expect(queue.passed).toBe(1);
    end();
    expect(queue.passed).toBe(4999);
  });
});
