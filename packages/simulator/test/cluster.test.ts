import { describeHistory, runHistory } from "@kakera/simulator";
import { describe, expect, it } from "vitest";

const workMs = 1_500;
const fixedSeeds = Array.from({ length: 20 }, (_, index) => index + 1);

describe("a simulated cluster", () => {
  it("keeps its word in twenty histories under faults", { timeout: 120_000 }, async () => {
    for (const seed of fixedSeeds) {
      // A fifth of what it is in the suite of many: the unit tests have a minute.
      const report = await runHistory({ seed, workMs });
      expect(report.violations, describeHistory(report)).toEqual([]);
    }
  });

  it("lives the same history again for the same seed, event for event", { timeout: 60_000 }, async () => {
    const [first, again, other] = [
      await runHistory({ seed: 7, workMs }),
      await runHistory({ seed: 7, workMs }),
      await runHistory({ seed: 8, workMs }),
    ];
    expect(again.traceHash).toBe(first.traceHash);
    expect(again.eventCount).toBe(first.eventCount);
    expect(other.traceHash).not.toBe(first.traceHash);
  });
});
