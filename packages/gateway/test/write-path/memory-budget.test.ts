import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createManualClock } from "@kakera/kernel";
import { MemoryBudget } from "../../src/memory-budget.ts";

const never = new AbortController().signal;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const createBudget = (bytesMax: number) => {
  const clock = createManualClock();
  return { clock, budget: new MemoryBudget({ clock }, { bytesMax, waitMsMax: 1_000 }) };
};

describe("the memory budget", () => {
  test("serves those who wait in the order in which they came, a big one before the small ones behind it", async () => {
    const { budget } = createBudget(10);
    const served: string[] = [];
    await budget.take(8, never);
    void budget.take(9, never).then(() => served.push("big"));
    void budget.take(1, never).then(() => served.push("small"));
    await turn();
    expect(served).toEqual([]);
    budget.give(8);
    await turn();
    expect(served).toEqual(["big", "small"]);
    expect(budget.freeBytes).toBe(0);
  });

  test("fails who waits too long, with a failure that may be tried again, and serves the next", async () => {
    const { budget, clock } = createBudget(10);
    await budget.take(6, never);
    const tooLong = budget.take(8, never);
    tooLong.catch(() => {});
    clock.advance(500);
    const patient = budget.take(4, never);
    clock.advance(500);
    await expect(tooLong).rejects.toMatchObject({ name: "ClusterFailure", kind: "retry" });
    await patient;
    expect(budget.freeBytes).toBe(0);
  });

  test("lets who goes away go, and serves the next", async () => {
    const { budget } = createBudget(10);
    await budget.take(6, never);
    const client = new AbortController();
    const gone = budget.take(8, client.signal);
    const next = budget.take(4, never);
    client.abort(new Error("client gone"));
    await expect(gone).rejects.toThrow("client gone");
    await next;
    await expect(budget.take(1, client.signal)).rejects.toThrow("client gone");
    expect(budget.waiterCount).toBe(0);
  });

  test("never gives out more than it has, and serves everybody in the end, whatever they ask and how they give back", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            bytes: fc.integer({ min: 0, max: 100 }),
            turns: fc.nat(5),
            pieces: fc.integer({ min: 1, max: 4 }),
          }),
          { maxLength: 40 },
        ),
        async (requests) => {
          const { budget } = createBudget(100);
          let heldBytes = 0;
          let heldBytesMax = 0;
          const serve = async ({ bytes, turns, pieces }: (typeof requests)[number]): Promise<void> => {
            await budget.take(bytes, never);
            heldBytes += bytes;
            heldBytesMax = Math.max(heldBytesMax, heldBytes);
            for (let i = 0; i < turns; i++) await turn();
            for (let left = bytes, piece = 0; piece < pieces; piece++) {
              const part = piece === pieces - 1 ? left : Math.floor(left / 2);
              left -= part;
              heldBytes -= part;
              budget.give(part);
            }
          };
          await Promise.all(requests.map(serve));
          expect(heldBytesMax).toBeLessThanOrEqual(100);
          expect([budget.freeBytes, budget.waiterCount]).toEqual([100, 0]);
        },
      ),
      { numRuns: 60 },
    );
  });

  test("waits longer for somebody whose turn was over than for a newcomer, and serves both in order", async () => {
    const { budget, clock } = createBudget(10);
    await budget.take(10, never);
    const newcomer = budget.take(6, never);
    newcomer.catch(() => {});
    const returning = budget.takeAgain(6, never);
    expect(budget.isContended).toBe(true);
    clock.advance(1_000);
    await expect(newcomer).rejects.toMatchObject({ kind: "retry" });
    clock.advance(900);
    budget.give(10);
    await returning;
    expect([budget.freeBytes, budget.isContended]).toEqual([4, false]);
    const late = budget.takeAgain(6, never);
    clock.advance(2_000);
    await expect(late).rejects.toMatchObject({ kind: "retry" });
  });

  test("lets nobody new in while two budgets' worth of others wait for their next turn", async () => {
    const { budget } = createBudget(10);
    await budget.take(10, never);
    const served: string[] = [];
    void budget.take(1, never).then(() => served.push("newcomer"));
    for (let i = 0; i < 3; i++) void budget.takeAgain(7, never).then(() => served.push(`returning ${i}`));
    budget.give(10);
    await turn();
    expect(served).toEqual(["returning 0"]);
    budget.give(7);
    await turn();
    expect(served).toEqual(["returning 0", "newcomer", "returning 1"]);
  });

  test("says at once that an impossible request is a bug", () => {
    const { budget } = createBudget(10);
    expect(() => budget.tryTake(11)).toThrow("fit into the budget");
  });
});
