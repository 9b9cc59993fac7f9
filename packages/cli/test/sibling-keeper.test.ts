import { beforeEach, describe, expect, test } from "vitest";
import {
  createManualClock,
  createSeededRandom,
  MIB,
  newId,
  SECOND_MS,
  silentLogger,
  type ManualClock,
} from "@kakera/kernel";
import { createMemoryLog, createMemoryView, type MessageChannel } from "@kakera/metadata";
import type { ProcessChannel } from "../src/drivers/frame-socket.ts";
import type { SiblingProcess } from "../src/drivers/sibling-process.ts";
import { ControlLink } from "../src/processes/control-link.ts";
import { ProcessMarks, type WorkReport } from "../src/processes/process-marks.ts";
import { SiblingKeeper, type Shared } from "../src/processes/sibling-keeper.ts";

/** Two ends of a lane in one process; what is sent arrives in a microtask. */
function lanePair(): [MessageChannel, MessageChannel, close: () => void] {
  const receivers: ((message: Buffer) => void)[] = [() => {}, () => {}];
  const closed: (() => void)[] = [];
  let isClosed = false;
  const end = (at: 0 | 1): MessageChannel => ({
    send(message) {
      const copy = Buffer.from(message);
      queueMicrotask(() => {
        if (!isClosed) receivers[1 - at]?.(copy);
      });
    },
    onMessage: (receive) => {
      receivers[at] = receive;
    },
    onClosed: (call) => void closed.push(call),
  });
  const close = (): void => {
    if (isClosed) return;
    isClosed = true;
    for (const call of closed) call();
  };
  return [end(0), end(1), close];
}

/** A process that answers, or stands still, as the test says. */
class FakeProcess implements SiblingProcess {
  readonly pid = 1;
  readonly channel: ProcessChannel;
  readonly ended: Promise<string>;
  answersPulses = true;
  wasKilled = false;
  /** Not even a signal ends it: a call to a dead disk. */
  isStuck = false;
  readonly #end: (why: string) => void;

  constructor(clock: ManualClock) {
    const [control, farControl, closeControl] = lanePair();
    const [log, , closeLog] = lanePair();
    const close = (): void => {
      closeControl();
      closeLog();
    };
    this.channel = { control, log, close };
    const { promise, resolve } = Promise.withResolvers<string>();
    this.ended = promise;
    this.#end = (why) => {
      close();
      resolve(why);
    };
    const link = new ControlLink(farControl, clock);
    link.on("begin", () => null);
    link.on("pulse", (): WorkReport | Promise<never> =>
      this.answersPulses ? { readsPassed: 7, writesPassed: 7, writeFloor: 7 } : new Promise(() => {}),
    );
  }

  kill(): void {
    this.wasKilled = true;
    if (!this.isStuck) this.#end("SIGKILL");
  }

  die(): void {
    this.#end("SIGSEGV");
  }
}

describe("the keeper of siblings", () => {
  let clock: ManualClock;
  let started: FakeProcess[];
  let sizes: { fileBytes: number; liveBytes: number };
  let clearedCount: number;
  let keeper: SiblingKeeper;
  let marks: ProcessMarks;
  /** Lets time pass a little at a time: what becomes due on the way happens in its turn. */
  const pass = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 50) {
      clock.advance(50);
      for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const last = (): FakeProcess => started.at(-1) as FakeProcess;

  beforeEach(async () => {
    clock = createManualClock();
    started = [];
    sizes = { fileBytes: 0, liveBytes: 0 };
    clearedCount = 0;
    let numbers = 1;
    const idle = { set: () => 1, isPassed: () => true };
    marks = new ProcessMarks({
      reads: idle,
      writes: { set: () => numbers, isPassed: () => true },
      moveOn: ({ start }) => (numbers = start),
      get writeFloor() {
        return numbers;
      },
    });
    const random = createSeededRandom(4);
    const log = createMemoryLog({ view: createMemoryView(), session: newId("session", random) });
    keeper = new SiblingKeeper({
      clock,
      random,
      logger: silentLogger,
      onBug: (failure) => {
        throw failure;
      },
      start: () => {
        started.push(new FakeProcess(clock));
        return last();
      },
    });
    const shared = {
      marks,
      log,
      isViewWhole: () => true,
      readers: { sizes: () => sizes, clearDead: () => clearedCount++ },
      pulse: () => ({ session: log.session, log: log.status(), health: null, drives: [] }),
      retire: () => {},
      serve: () => {},
      beginning: {},
    };
    keeper.keep(1, shared as unknown as Shared);
    await pass(1000);
    expect(keeper.servingCount).toBe(2);
  });

  test("starts another one when one has died, later each time, and clears away what it had pinned", async () => {
    const startedAfterMs: number[] = [];
    for (let death = 0; death < 4; death++) {
      const count = started.length;
      const diedMs = clock.monotonicMs();
      last().die();
      while (started.length === count) await pass(50);
      startedAfterMs.push(clock.monotonicMs() - diedMs);
    }
    expect(startedAfterMs.toSorted((a, b) => a - b)).toEqual(startedAfterMs);
    expect(startedAfterMs[3]).toBeGreaterThan(startedAfterMs[0] as number);
    expect([keeper.restartCount, clearedCount]).toEqual([4, 4]);
  });

  test("gives up one that stands still, and holds back for it until it has really ended", async () => {
    const mark = marks.reads.set();
    const stuck = last();
    stuck.answersPulses = false;
    stuck.isStuck = true;
    await pass(8 * SECOND_MS);
    expect(stuck.wasKilled).toBe(false);
    await pass(4 * SECOND_MS);
    expect(stuck.wasKilled).toBe(true);
    expect(keeper.servingCount).toBe(1);
    await pass(60 * SECOND_MS);
    expect(marks.reads.isPassed(mark)).toBe(mark <= 7);
    const later = Array.from({ length: 20 }, () => marks.reads.set()).at(-1) as number;
    expect(marks.reads.isPassed(later)).toBe(false);
    expect(started).toHaveLength(1);
    stuck.die();
    await pass(1 * SECOND_MS);
    expect(marks.reads.isPassed(later)).toBe(true);
    expect(started).toHaveLength(2);
  });

  test("gives up one that stands still sooner when the view's file grows meanwhile, and not for how large it was", async () => {
    sizes = { fileBytes: 5_000 * MIB, liveBytes: 10 * MIB };
    await pass(2 * SECOND_MS);
    const sibling = last();
    sibling.answersPulses = false;
    await pass(3 * SECOND_MS);
    expect(sibling.wasKilled).toBe(false);
    sizes = { fileBytes: 5_100 * MIB, liveBytes: 10 * MIB };
    await pass(2 * SECOND_MS);
    expect(sibling.wasKilled).toBe(true);
  });

  test("hurts nobody who answers, however the file grows", async () => {
    for (let look = 0; look < 20; look++) {
      sizes = { fileBytes: look * 500 * MIB, liveBytes: 10 * MIB };
      await pass(SECOND_MS);
    }
    expect(last().wasKilled).toBe(false);
    expect(started).toHaveLength(1);
  });

  test("ends them all, and starts none again", async () => {
    const drained = keeper.drain(1000);
    // It finds its channel closed.
    await pass(100);
    last().die();
    await pass(100);
    expect(await drained).toBe(0);
    await pass(20 * SECOND_MS);
    expect(started).toHaveLength(1);
  });
});
