import { describe, expect, test } from "vitest";
import {
  ClusterFailure,
  createManualClock,
  createSeededRandom,
  newId,
  sleep,
  type Clock,
  type ManualClock,
} from "@kakera/kernel";
import {
  commitUntilDecided,
  createKeyQueue,
  createMemoryLog,
  createMemoryView,
  type Change,
  type CommitLog,
  type CommitResult,
  type Deciding,
} from "../src/index.ts";

const random = createSeededRandom(8);
const key = Buffer.from("Pcounter");

function increment(log: CommitLog): Change {
  const entry = log.view.get(key);
  const value = Buffer.from(`${Number(entry?.value.toString() ?? 0) + 1}`);
  return {
    id: newId("change", random),
    purpose: "write",
    compares: [{ key, revision: entry?.revision ?? 0 }],
    puts: [{ key, value }],
    deletes: [],
  };
}

function deciding(log: CommitLog, clock: Clock = createManualClock()): Deciding {
  return { log, clock, random, deadlineMs: clock.monotonicMs() + 1000 };
}

const memoryLog = () => createMemoryLog({ view: createMemoryView(), session: newId("session", random) });

/** A log in which somebody else changes the key just before each of the first `times` commits. */
function contended(times: number): CommitLog & { commits: number } {
  const log = memoryLog();
  let left = times;
  const wrapper = {
    session: log.session,
    operationsPerChangeMax: log.operationsPerChangeMax,
    view: log.view,
    commits: 0,
    barrier: () => log.barrier(),
    status: () => log.status(),
    close: () => log.close(),
    async commit(change: Change): Promise<CommitResult> {
      wrapper.commits++;
      if (left-- > 0) await log.commit(increment(log));
      return log.commit(change);
    },
  };
  return wrapper;
}

describe("commitUntilDecided()", () => {
  test("plans anew from what there is after each refusal", async () => {
    const log = contended(2);
    const clock = createManualClock();
    const work = commitUntilDecided(deciding(log, clock), () => ({
      change: increment(log),
      answer: (revision) => `at ${revision}`,
    }));
    await pass(clock, 50);
    const answer = await work;
    expect([answer, log.commits, log.view.get(key)?.value.toString()]).toEqual(["at 3", 3, "3"]);
  });

  test("plans nothing from a view that is being read anew, the first time and after a refusal", async () => {
    const log = contended(1);
    const whole = log.status();
    const order: string[] = [];
    let isPartial = true;
    log.status = () => ({ ...whole, canRead: isPartial ? "no" : "yes" });
    log.barrier = () => {
      order.push("barrier");
      isPartial = false;
      return Promise.resolve();
    };
    const clock = createManualClock();
    const work = commitUntilDecided(deciding(log, clock), () => {
      order.push("plan");
      isPartial = true;
      return { change: increment(log), answer: () => 1 };
    });
    await pass(clock, 50);
    expect(await work).toBe(1);
    expect(order).toEqual(["barrier", "plan", "barrier", "plan"]);
  });

  test("says `retry` when the view stays out of reach", async () => {
    const log = contended(0);
    const whole = log.status();
    log.status = () => ({ ...whole, canRead: "no" });
    log.barrier = () => Promise.reject(new ClusterFailure("retry", "it is being read anew"));
    const never = () => {
      throw new Error("nothing is planned");
    };
    await expect(commitUntilDecided(deciding(log), never)).rejects.toMatchObject({ kind: "retry" });
  });

  test("commits nothing when the plan knows the answer", async () => {
    const log = contended(0);
    expect(await commitUntilDecided(deciding(log), () => ({ answer: 42 }))).toBe(42);
    expect(log.commits).toBe(0);
  });

  test("ends with what the plan throws: a condition that fails is told at once", async () => {
    const log = contended(1);
    const clock = createManualClock();
    let plans = 0;
    const plan = () => {
      if (++plans === 2) throw new Error("412");
      return { change: increment(log), answer: () => 1 };
    };
    const ended = expect(commitUntilDecided(deciding(log, clock), plan)).rejects.toThrow("412");
    await pass(clock, 50);
    await ended;
  });

  test("gives up at its deadline with `retry`", async () => {
    const log = contended(10_000);
    const clock = createManualClock();
    const work = commitUntilDecided(deciding(log, clock), () => ({ change: increment(log), answer: () => 1 }));
    const ended = expect(work).rejects.toMatchObject({ kind: "retry" });
    await pass(clock, 2000);
    await ended;
    expect(log.commits).toBeGreaterThan(5);
  });

  test.each([2, 20])("waits some round trips after each refusal, of %i ms, and no longer each time", async (tripMs) => {
    const log = contended(10_000);
    const clock = createManualClock();
    const commitsAtMs: number[] = [];
    const slow = {
      ...log,
      async commit(change: Change): Promise<CommitResult> {
        commitsAtMs.push(clock.monotonicMs());
        await sleep(clock, tripMs);
        return log.commit(change);
      },
    };
    const parts = { ...deciding(slow, clock), deadlineMs: clock.monotonicMs() + 400 * tripMs };
    const ended = expect(
      commitUntilDecided(parts, () => ({ change: increment(log), answer: () => 1 })),
    ).rejects.toMatchObject({ kind: "retry" });
    await pass(clock, 450 * tripMs);
    await ended;
    const trips = commitsAtMs.map((atMs, i) => (atMs - (commitsAtMs[i - 1] ?? atMs)) / tripMs - 1).slice(1);
    const meanOf = (some: readonly number[]): number => some.reduce((sum, each) => sum + each, 0) / some.length;
    const half = trips.length / 2;
    expect(trips.length).toBeGreaterThan(40);
    for (const part of [trips.slice(0, half), trips.slice(half)]) {
      expect(meanOf(part)).toBeGreaterThan(2);
      expect(meanOf(part)).toBeLessThan(6);
    }
  });
});

/** Lets the time pass, and all that it sets off. */
async function pass(clock: ManualClock, ms: number): Promise<void> {
  for (let i = 0; i < ms; i++) {
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    clock.advance(1);
  }
}

describe("a key queue", () => {
  const a = Buffer.from("a");
  const b = Buffer.from("b");

  test("runs tasks of one key one after the other, in order, and tasks of others beside them", async () => {
    const queue = createKeyQueue();
    const order: string[] = [];
    const gate = Promise.withResolvers<void>();
    const first = queue.run([a], async () => {
      order.push("a1 starts");
      await gate.promise;
      order.push("a1 ends");
    });
    const second = queue.run([a], async () => void order.push("a2"));
    await queue.run([b], async () => void order.push("b"));
    gate.resolve();
    await Promise.all([first, second]);
    expect(order).toEqual(["a1 starts", "b", "a1 ends", "a2"]);
    expect(queue.size).toBe(0);
  });

  test("goes on after a task that failed", async () => {
    const queue = createKeyQueue();
    const failing = queue.run([a], async () => {
      throw new Error("no");
    });
    const next = queue.run([a], async () => "next");
    await expect(failing).rejects.toThrow("no");
    expect(await next).toBe("next");
    expect(queue.size).toBe(0);
  });

  test("never deadlocks tasks that name several keys, in any order and twice", async () => {
    const queue = createKeyQueue();
    const keys = ["a", "b", "c", "d"].map((name) => Buffer.from(name));
    const running = new Set<string>();
    const tasks = Array.from({ length: 200 }, () => {
      const names = Array.from(
        { length: 1 + Math.floor(random.fraction() * 4) },
        () => keys[Math.floor(random.fraction() * 4)] as Buffer,
      );
      return queue.run(names, async () => {
        const mine = new Set(names.map(String));
        for (const name of mine) expect(running.has(name)).toBe(false);
        for (const name of mine) running.add(name);
        await Promise.resolve();
        for (const name of mine) running.delete(name);
      });
    });
    await Promise.all(tasks);
    expect(queue.size).toBe(0);
  });

  test("refuses when too many wait for a key", async () => {
    const queue = createKeyQueue({ waitingPerKeyMax: 2 });
    const gate = Promise.withResolvers<void>();
    const tasks = [queue.run([a], () => gate.promise), queue.run([a], () => gate.promise)];
    await expect(queue.run([b, a], async () => {})).rejects.toMatchObject({ kind: "retry" });
    await queue.run([b], async () => {});
    gate.resolve();
    await Promise.all(tasks);
  });
});
