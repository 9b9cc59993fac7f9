import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createManualClock, KIB, MIB } from "@kakera/kernel";
import { SplitBudget } from "../../src/split-budget.ts";

const never = new AbortController().signal;
const createBudget = (bytesMax: number): SplitBudget =>
  new SplitBudget({ clock: createManualClock() }, { bytesMax, waitMsMax: 1_000 });

describe("the budget of two parts", () => {
  test("has room for small takes when large ones hold all that they can, and more wait", async () => {
    const budget = createBudget(64 * MIB);
    expect(budget.bytesMax).toBe(56 * MIB);
    await budget.take(budget.bytesMax, never);
    budget.take(2 * MIB, never).catch(() => {});
    expect(budget.tryTake(MIB + 1)).toBeNull();
    for (let taken = 0; taken < 8; taken++) expect(budget.tryTake(MIB), `small take ${taken}`).not.toBeNull();
    expect(budget.tryTake(1)).toBeNull();
  });

  test("lets small takes have all of it while no large one wants it", () => {
    const budget = createBudget(64 * MIB);
    for (let taken = 0; taken < 64; taken++) expect(budget.tryTake(MIB)).not.toBeNull();
    expect(budget.tryTake(1)).toBeNull();
  });

  test("a waiting small take is served by what small ones give back", async () => {
    const budget = createBudget(64 * MIB);
    await budget.take(budget.bytesMax, never);
    const first = await budget.take(MIB, never);
    for (let taken = 1; taken < 8; taken++) await budget.take(MIB, never);
    let isServed = false;
    const waiting = budget.take(MIB, never).then(() => (isServed = true));
    await Promise.resolve();
    expect(isServed).toBe(false);
    first.give(MIB);
    await waiting;
  });

  test("what is given back to where it came from is all there again, and what is too little for two parts is one", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 4 * KIB, max: 64 * MIB }),
        fc.array(fc.double({ min: 0, max: 1, noNaN: true })),
        (bytesMax, shares) => {
          const budget = createBudget(bytesMax);
          const taken = shares.flatMap((share) => {
            const bytes = Math.floor(share ** 4 * budget.bytesMax);
            const source = budget.tryTake(bytes);
            return source === null ? [] : [{ source, bytes }];
          });
          expect(taken.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(bytesMax);
          for (const { source, bytes } of taken) source.give(bytes);
          expect(budget.tryTake(budget.bytesMax)).not.toBeNull();
        },
      ),
    );
  });
});
