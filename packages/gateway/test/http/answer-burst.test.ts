import { describe, expect, it } from "vitest";
import { createManualClock, type Clock } from "@kakera/kernel";
import { AnswerBurst } from "../../src/http/answer-burst.ts";

function burstWithTurns(): { burst: AnswerBurst; endTurn: () => void } {
  const atEnd: (() => void)[] = [];
  const clock: Clock = { ...createManualClock(), atTurnEnd: (callback) => void atEnd.push(callback) };
  const endTurn = (): void => {
    for (const callback of atEnd.splice(0)) callback();
  };
  return { burst: new AnswerBurst(clock), endTurn };
}

describe("answers of one turn", () => {
  it("leave together at its end, in their order, and once", () => {
    const { burst, endTurn } = burstWithTurns();
    const left: number[] = [];
    for (const answer of [1, 2, 3]) burst.join(() => left.push(answer));
    expect(left).toEqual([]);
    endTurn();
    expect(left).toEqual([1, 2, 3]);
    endTurn();
    burst.join(() => left.push(4));
    endTurn();
    expect(left).toEqual([1, 2, 3, 4]);
  });

  it("do not wait for more than a number of others", () => {
    const { burst, endTurn } = burstWithTurns();
    let left = 0;
    for (let answer = 0; answer < 100; answer += 1) burst.join(() => left++);
    expect(left).toBe(64);
    endTurn();
    expect(left).toBe(100);
  });

  it("that come while others leave go with the next", () => {
    const { burst, endTurn } = burstWithTurns();
    const left: string[] = [];
    burst.join(() => {
      left.push("first");
      burst.join(() => left.push("second"));
    });
    endTurn();
    expect(left).toEqual(["first"]);
    endTurn();
    expect(left).toEqual(["first", "second"]);
  });
});
