import { describe, expect, test } from "vitest";
import { brokenRules, type BrokenRule } from "./journal-model/broken-rules.ts";
import { geometries, type Geometry } from "./journal-model/geometries.ts";
import { runHistory, type Violation } from "./journal-model/run-history.ts";

function firstViolation(
  among: readonly Geometry[],
  histories: number,
  broken: BrokenRule | null,
): (Violation & { geometry: string }) | null {
  for (let seed = 1; seed <= histories; seed++) {
    for (const geometry of among) {
      const violation = runHistory(seed, geometry, broken);
      if (violation !== null) return { ...violation, geometry: geometry.name };
    }
  }
  return null;
}

describe("a random journal", () => {
  test.each(geometries)("on $name drives keeps everything that was acknowledged or answered", (geometry) => {
    expect(firstViolation([geometry], 1000, null)).toBeNull();
  });
});

describe("the model sees that something is lost when the journal would", () => {
  test.each(brokenRules)("%s", (rule) => {
    expect(firstViolation(geometries.slice(1, 4), 2500, rule)).not.toBeNull();
  });
});
