import { createManualClock } from "@kakera/kernel";
import { describe, expect, test } from "vitest";
import { Convoy } from "../../src/write-path/convoy.ts";

/** Writes with numbers of their own, and which of them have departed, in the order in which they did. */
function newConvoy() {
  const clock = createManualClock();
  const convoy = new Convoy(clock);
  const departed: number[] = [];
  return {
    clock,
    departed,
    join: (...numbers: number[]): void => {
      for (const number of numbers) void convoy.join(number).then(() => departed.push(number));
    },
    decide: (...numbers: number[]): void => {
      for (const number of numbers) convoy.decided(number);
    },
  };
}

/** Until all that was to happen in this turn has happened. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("a convoy of small writes", () => {
  test("lets a write go at once when nothing is under way", async () => {
    const { join, decide, departed } = newConvoy();
    for (const number of [1, 2, 3]) {
      join(number);
      await turn();
      expect(departed.at(-1)).toBe(number);
      decide(number);
    }
  });

  test("lets those that are ready in one turn go together", async () => {
    const { join, departed } = newConvoy();
    join(1, 2, 3);
    expect(departed).toEqual([]);
    await turn();
    expect(departed).toEqual([1, 2, 3]);
  });

  test("holds those that become ready until they are as many as are under way", async () => {
    const { join, departed } = newConvoy();
    join(1, 2, 3);
    await turn();
    join(4, 5);
    await turn();
    expect(departed).toEqual([1, 2, 3]);
    join(6);
    await turn();
    expect(departed).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test("lets them go when enough of those under way are decided, in whatever order", async () => {
    const { join, decide, departed } = newConvoy();
    join(1, 2, 3);
    await turn();
    join(4);
    decide(2);
    await turn();
    expect(departed).toEqual([1, 2, 3]);
    decide(1);
    await turn();
    expect(departed).toEqual([1, 2, 3, 4]);
  });

  test("holds none for longer than ten milliseconds", async () => {
    const { clock, join, departed } = newConvoy();
    join(1, 2, 3);
    await turn();
    join(4);
    await turn();
    clock.advance(9);
    join(5);
    await turn();
    expect(departed).toEqual([1, 2, 3]);
    clock.advance(1);
    await turn();
    expect(departed).toEqual([1, 2, 3, 4, 5]);
  });

  test("does not wait for what hangs, or for what nobody will decide, once that is plain", async () => {
    const { clock, join, departed } = newConvoy();
    join(1, 2, 3);
    await turn();
    clock.advance(1000);
    join(4);
    await turn();
    expect(departed).toEqual([1, 2, 3, 4]);
  });

  test("takes no notice of writes that were not in it", async () => {
    const { join, decide, departed } = newConvoy();
    decide(7);
    join(1, 2);
    await turn();
    decide(9, 10);
    join(3);
    await turn();
    expect(departed).toEqual([1, 2]);
  });
});
